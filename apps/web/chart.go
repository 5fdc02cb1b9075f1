package web

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// chart is a check's history as a picture: the mean as a line, least and most as a band, the thresholds as lines across. Times without a
// run are gaps.
type chart struct {
	W, H       int
	Left, Foot int // of the plot
	Right, Top int
	Line, Band string // paths
	Levels     []chartLevel
	Grid       []chartTick // values
	Times      []chartTick
	Marks      []chartMark // points that were not ok
	Empty      bool        // no run had the number
	Metric     string
}

type chartLevel struct {
	Y     float64
	Tone  string
	Label string
	Title string
	Under bool // its label stands below the line, because another one is close above
}

// labelRoom is what the label of a level needs above its line.
const labelRoom = 15

type chartTick struct {
	At    float64
	Label string
}

type chartMark struct {
	X, Y  float64
	Tone  string
	Title string
}

// Margins of a chart.
const (
	chartLeft, chartRight = 44, 8
	chartTop, chartFoot   = 10, 22
	chartGap              = 2.5 // steps without a run that break the line
)

func drawChart(h checkers.History, width, height int) chart {
	c := chart{
		W: width, H: height, Left: chartLeft, Right: width - chartRight, Top: chartTop, Foot: height - chartFoot, Metric: h.Metric,
	}
	most := 0.0
	some := false
	for _, p := range h.Points {
		if p.Max != nil {
			most, some = max(most, *p.Max), true
		}
	}
	for _, t := range []*float64{h.Warning, h.Critical} {
		if t != nil {
			most = max(most, *t)
		}
	}
	if c.Empty = !some; most <= 0 {
		most = 1
	}
	if h.Unit == "%" && most <= 100 && most > 40 {
		most = 100
	} else {
		most *= 1.1
	}
	step := niceStep(most / 4)
	most = math.Ceil(most/step) * step
	long := h.Until.Sub(h.Since).Seconds()
	x := func(at time.Time) float64 {
		return tenth(float64(c.Left) + at.Sub(h.Since).Seconds()/long*float64(c.Right-c.Left))
	}
	y := func(v float64) float64 { return tenth(float64(c.Foot) - max(0, v)/most*float64(c.Foot-c.Top)) }
	for v := 0.0; v <= most+step/1000; v += step {
		c.Grid = append(c.Grid, chartTick{y(v), plainNumber(v)})
	}
	c.levels(h, y)
	c.times(h, x)
	c.draw(h, x, y)
	return c
}

// levels draws the thresholds. Of two that lie close together the lower has its label below.
func (c *chart) levels(h checkers.History, y func(float64) float64) {
	add := func(at *float64, tone, word string) {
		if at == nil {
			return
		}
		value := withUnit(*at, h.Unit)
		c.Levels = append(c.Levels, chartLevel{Y: y(*at), Tone: tone, Label: word + " " + value, Title: checkMark(tone).Word + " at " + value, Under: y(*at)-float64(c.Top) < labelRoom})
	}
	add(h.Warning, "warning", "warns at")
	add(h.Critical, "critical", "critical at")
	if len(c.Levels) == 2 && math.Abs(c.Levels[0].Y-c.Levels[1].Y) < labelRoom {
		low := &c.Levels[0]
		if c.Levels[1].Y > low.Y {
			low = &c.Levels[1]
		}
		low.Under = true
	}
}

// draw makes the paths. A point stands for a step; it is drawn in its middle.
func (c *chart) draw(h checkers.History, x func(time.Time) float64, y func(float64) float64) {
	half := time.Duration(h.Step / 2 * float64(time.Second))
	var line, band strings.Builder
	var above, below []string // of the band's current piece
	var alone chartMark       // a piece of one point has no line
	closeBand := func() {
		if len(above) == 1 {
			c.Marks = append(c.Marks, alone)
		}
		if len(above) > 1 {
			for _, p := range slices.Backward(below) {
				above = append(above, p)
			}
			band.WriteString("M" + strings.Join(above, "L") + "Z")
		}
		above, below = nil, nil
	}
	var last time.Time
	for _, p := range h.Points {
		at := x(p.At.Add(half))
		if p.Mean != nil {
			if last.IsZero() || p.At.Sub(last).Seconds() > chartGap*h.Step {
				closeBand()
				fmt.Fprintf(&line, "M%g %g", at, y(*p.Mean))
				alone = chartMark{at, y(*p.Mean), "only", withUnit(*p.Mean, h.Unit) + ", " + utc(p.At)}
			} else {
				fmt.Fprintf(&line, "L%g %g", at, y(*p.Mean))
			}
			above, below = append(above, fmt.Sprintf("%g %g", at, y(*p.Max))), append(below, fmt.Sprintf("%g %g", at, y(*p.Min)))
			last = p.At
		}
		if p.Status != checkers.OK {
			m := chartMark{X: at, Y: float64(c.Foot), Tone: checkMark(p.Status).Tone, Title: checkMark(p.Status).Word + ", " + utc(p.At)}
			if p.Max != nil {
				m.Y, m.Title = y(*p.Max), m.Title+": "+withUnit(*p.Max, h.Unit)
			}
			c.Marks = append(c.Marks, m)
		}
	}
	closeBand()
	c.Line, c.Band = line.String(), band.String()
}

// times puts labels below, at round times.
func (c *chart) times(h checkers.History, x func(time.Time) float64) {
	c.Times = timeTicks(h.Since, h.Until, c.Left, c.Right, x)
}

// timeTicks are round times between two edges, as many as have room.
func timeTicks(since, until time.Time, left, right int, x func(time.Time) float64) []chartTick {
	every := 24 * time.Hour
	for _, d := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 120 * time.Hour, 240 * time.Hour} {
		every = d
		if float64(until.Sub(since)/d) <= float64(right-left)/70 {
			break
		}
	}
	form := "15:04"
	if every >= 24*time.Hour {
		form = "2 Jan"
	}
	var out []chartTick
	for at := since.Truncate(every).Add(every); at.Before(until); at = at.Add(every) {
		if px := x(at); px > float64(left)+12 && px < float64(right)-12 {
			out = append(out, chartTick{px, at.UTC().Format(form)})
		}
	}
	return out
}

// niceStep is the next larger of 1, 2, 2.5 and 5 times a power of ten.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 2.5, 5} {
		if v <= f*base {
			return f * base
		}
	}
	return 10 * base
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }
