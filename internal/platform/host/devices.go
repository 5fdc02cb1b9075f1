package host

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/host"
)

// disks reads the counters of block devices that were ever used; what a partition did counts as its disk's.
func (l *Live) disks(ctx context.Context, s *Sample) {
	all, err := disk.IOCountersWithContext(ctx)
	if err != nil {
		s.Unread = append(s.Unread, "disk counters: "+err.Error())
		return
	}
	for name, d := range all {
		if d.ReadCount == 0 && d.WriteCount == 0 || l.partition(name) {
			continue
		}
		s.Disks = append(s.Disks, Disk{
			Name: name, Reads: d.ReadCount, Writes: d.WriteCount, ReadBytes: d.ReadBytes, WriteBytes: d.WriteBytes,
			Busy: milliseconds(d.IoTime), ReadTime: milliseconds(d.ReadTime), WriteTime: milliseconds(d.WriteTime), HasBusy: hasBusy,
		})
	}
	slices.SortFunc(s.Disks, func(a, b Disk) int { return cmp.Compare(a.Name, b.Name) })
}

// partition reports whether Linux knows a block device as a part of another.
func (l *Live) partition(name string) bool {
	_, err := os.Stat(filepath.Join(l.sys, "class", "block", name, "partition"))
	return err == nil
}

func milliseconds(n uint64) time.Duration { return time.Duration(min(n, 1<<53)) * time.Millisecond }

// sensors reads the temperatures. An error of gopsutil's here lists sensors that gave none; the others are good.
func (l *Live) sensors(ctx context.Context, s *Sample) {
	all, _ := host.SensorsTemperaturesWithContext(ctx)
	for _, t := range all {
		if t.Temperature < -100 || t.Temperature > 250 || t.Temperature == 0 {
			continue // not connected
		}
		s.Sensors = append(s.Sensors, Sensor{Name: t.SensorKey, Celsius: t.Temperature, Kind: sensorKind(t.SensorKey)})
	}
	slices.SortStableFunc(s.Sensors, func(a, b Sensor) int { return cmp.Compare(a.Name, b.Name) })
}

func sensorKind(name string) string {
	name = strings.ToLower(name)
	for _, k := range []struct{ part, kind string }{
		{"nvme", "disk"},
		{"drivetemp", "disk"},
		{"coretemp", "cpu"},
		{"k10temp", "cpu"},
		{"zenpower", "cpu"},
		{"cpu", "cpu"},
		{"x86_pkg", "cpu"},
		{"soc", "cpu"},
	} {
		if strings.Contains(name, k.part) {
			return k.kind
		}
	}
	return "other"
}
