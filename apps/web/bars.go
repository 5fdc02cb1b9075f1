package web

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// bars are amounts over time as a picture: one bar for each step, its parts on top of each other.
type bars struct {
	W, H       int
	Left, Foot int // of the plot
	Right, Top int
	Name       string // what is counted
	Total      string // of all of it
	Bars       []bar
	Grid       []chartTick
	Times      []chartTick
	Empty      bool // there is nothing to draw
}

// bar is one part of one step.
type bar struct {
	X, Y, W, H float64
	Tone       string
	Title      string
}

// step is one step of bars.
type step struct {
	At    time.Time
	Parts []part // from the foot up
}

type part struct {
	Value float64
	Tone  string
	Word  string // "12 calls"
}

// barLook is how bars are drawn.
type barLook struct {
	since, until  time.Time
	every         time.Duration
	width, height int
	label         func(float64) string // of values
	whole         bool                 // there is nothing between 1 and 2
}

const barGap = 2.0 // between steps

func drawBars(name, total string, steps []step, look barLook) bars {
	b := bars{
		W: look.width, H: look.height, Left: chartLeft, Right: look.width - chartRight, Top: chartTop, Foot: look.height - chartFoot, Name: name, Total: total,
	}
	most := 0.0
	for _, s := range steps {
		sum := 0.0
		for _, p := range s.Parts {
			sum += p.Value
		}
		most = max(most, sum)
	}
	if b.Empty = most <= 0; b.Empty {
		return b
	}
	grid := niceStep(most / 2)
	if look.whole {
		grid = max(1, math.Ceil(grid))
	}
	top := math.Ceil(most/grid) * grid
	long := look.until.Sub(look.since).Seconds()
	x := func(at time.Time) float64 {
		return tenth(float64(b.Left) + at.Sub(look.since).Seconds()/long*float64(b.Right-b.Left))
	}
	y := func(v float64) float64 { return tenth(float64(b.Foot) - v/top*float64(b.Foot-b.Top)) }
	for v := 0.0; v <= top+grid/1000; v += grid {
		b.Grid = append(b.Grid, chartTick{y(v), look.label(v)})
	}
	b.Times = timeTicks(look.since, look.until, b.Left, b.Right, x)
	for _, s := range steps {
		left, right := x(s.At), x(s.At.Add(look.every))
		below := 0.0
		for _, p := range s.Parts {
			if p.Value <= 0 {
				continue
			}
			from, to := y(below), y(below+p.Value)
			b.Bars = append(b.Bars, bar{
				X: tenth(left + barGap/2), Y: to, W: tenth(max(1, right-left-barGap)), H: tenth(max(1, from-to)), Tone: p.Tone, Title: p.Word + ", " + stepName(s.At, look.every),
			})
			below += p.Value
		}
	}
	return b
}

// stepName says which step it is.
func stepName(at time.Time, every time.Duration) string {
	at = at.UTC()
	switch {
	case every >= 24*time.Hour:
		return at.Format("2 Jan")
	case every > time.Hour:
		return fmt.Sprintf("%s to %s", at.Format("2 Jan 15:04"), at.Add(every).Format("15:04 UTC"))
	default:
		return at.Format("2 Jan 15:04 UTC")
	}
}

// brief is a number in little room: 950, 12k, 3.4M.
func brief(v float64) string {
	for _, unit := range []struct {
		size float64
		sign string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			n := v / unit.size
			return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + unit.sign
		}
	}
	return plainNumber(v)
}

// money is an amount in millionths, with as many decimals as say something.
func money(micros int64) string {
	v := float64(micros) / 1e6
	switch a := math.Abs(v); {
	case micros == 0:
		return "0"
	case a < 0.0001:
		return "< 0.0001"
	case a < 0.01:
		return strconv.FormatFloat(v, 'f', 4, 64)
	case a < 1000:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return num(int64(math.Round(v)))
	}
}
