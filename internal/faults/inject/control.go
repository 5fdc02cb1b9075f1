//go:build linux

package inject

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/play"
)

// Control is the type of what is no fault.
const Control = "control"

func controls() []Fault {
	titles := []string{"High CPU usage", "High memory usage", "Disk usage high", "Health check failed"}
	return []Fault{
		{Name: "nothing wrong", Type: Control, titles: titles, make: nothingWrong},
		{Name: "busy but normal", Type: Control, static: [2]int{1000, 1500}, titles: titles, make: busyButNormal},
		{Name: "two faults at once", Type: Control, titles: []string{"Several alerts", "High CPU and disk usage", "Processes hang and connections pile up"}, make: twoAtOnce},
	}
}

func nothingWrong(context.Context, *Stage) (Scene, error) { return Scene{}, nil }

// busyButNormal is a compile job at half a processor, a file read over and over, more clients, and a big process that does not grow.
func busyButNormal(ctx context.Context, s *Stage) (Scene, error) {
	data, err := s.dir("data")
	if err != nil {
		return Scene{}, err
	}
	p := filepath.Join(data, "library.idx")
	if err := s.write(p, 500*mib); err != nil {
		return Scene{}, err
	}
	port, err := s.port(ctx)
	if err != nil {
		return Scene{}, err
	}
	roles := []play.Role{
		{Kind: "compile", Program: "/bin/sh"},
		{Kind: "reader", Path: p},
		{Kind: "web", Address: local(port)},
		{Kind: "client", Address: "http://127.0.0.1:" + strconv.Itoa(port) + "/", Every: 10 * time.Millisecond},
		{Kind: "client", Address: "http://127.0.0.1:" + strconv.Itoa(port) + "/", Every: 10 * time.Millisecond},
	}
	for _, r := range roles {
		if _, err := s.actor(r); err != nil {
			return Scene{}, err
		}
	}
	return Scene{}, nil
}

// twoAtOnce are two faults of different types that need no root.
func twoAtOnce(ctx context.Context, s *Stage) (Scene, error) {
	kinds := [][]func(context.Context, *Stage) (Scene, error){
		{busyProcess}, {growingFile, deletedFile}, {zombies, stopped, descriptors}, {acceptQueue, closeWait},
	}
	s.rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	var both Scene
	var types []string
	for _, kind := range kinds[:2] {
		one, err := pick(s.rand, kind...)(ctx, s)
		if err != nil {
			return Scene{}, err
		}
		both.Truths = append(both.Truths, one.Truths...)
		types = append(types, one.Truths[0].Type)
	}
	s.remark("%s", strings.Join(types, " and "))
	return both, nil
}
