//go:build linux

package play

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func busy(_ Role, ready func()) error {
	ready()
	for n := uint64(1); ; {
		n = n*6364136223846793005 + 1
		if n == 0 {
			ready() // the loop must not be for nothing; it comes by here once in 2^64 steps
		}
	}
}

// spawn runs a program that ends at once, again and again.
func spawn(r Role, ready func()) error {
	ready()
	for {
		if err := child(r.Program, nil).Run(); err != nil {
			return err
		}
	}
}

func grow(r Role, ready func()) error {
	const tick = 100 * time.Millisecond
	held := [][]byte{touch(r.Bytes)}
	ready()
	for have := r.Bytes; have < r.Most; have += r.Rate / 10 {
		held = append(held, touch(r.Rate/10))
		time.Sleep(tick)
	}
	for {
		time.Sleep(time.Second)
		held[0][0]++
	}
}

// oom starts a child that takes more than their control group may, and starts another when the kernel has killed it.
func oom(r Role, ready func()) error {
	ready()
	for {
		c := child(r.Program, &Role{Kind: "eat", Most: r.Most})
		if err := c.Start(); err != nil {
			return err
		}
		// It is the child that is to be killed.
		_ = os.WriteFile("/proc/"+itoa(c.Process.Pid)+"/oom_score_adj", []byte("1000"), 0)
		_ = c.Wait()
		time.Sleep(r.Every)
	}
}

func eat(r Role, _ func()) error {
	var held [][]byte
	for have := int64(0); have < r.Most; have += 8 << 20 {
		held = append(held, touch(8<<20))
		time.Sleep(20 * time.Millisecond)
	}
	held[0][0]++
	return nil
}

func deleted(r Role, ready func()) error {
	f, err := os.Create(r.Path)
	if err != nil {
		return err
	}
	if err := fill(f, r.Bytes); err != nil {
		return err
	}
	if err := os.Remove(r.Path); err != nil {
		return err
	}
	ready()
	for {
		time.Sleep(time.Second)
		if _, err := f.WriteAt([]byte("x"), 0); err != nil {
			return err
		}
	}
}

func fill(f *os.File, n int64) error {
	block := touch(1 << 20)
	for ; n > 0; n -= int64(len(block)) {
		if _, err := f.Write(block[:min(n, int64(len(block)))]); err != nil {
			return err
		}
	}
	return nil
}

func growFile(r Role, ready func()) error {
	f, err := os.Create(r.Path)
	if err != nil {
		return err
	}
	ready()
	for have := int64(0); have < r.Most; have += r.Rate / 10 {
		if err := fill(f, r.Rate/10); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

// slowWrite waits for the disk at every write, past the page cache where the file system can.
func slowWrite(r Role, ready func()) error {
	const block = 256 << 10
	flags := os.O_CREATE | os.O_WRONLY | unix.O_DSYNC
	f, err := os.OpenFile(r.Path, flags|unix.O_DIRECT, 0o600)
	if err != nil {
		if f, err = os.OpenFile(r.Path, flags, 0o600); err != nil {
			return err
		}
	}
	room := touch(block + 4096)
	from := (4096 - int(uintptr(unsafe.Pointer(&room[0]))&4095)) & 4095 // O_DIRECT wants whole pages
	ready()
	for at := int64(0); ; at = (at + block) % r.Bytes {
		if _, err := f.WriteAt(room[from:from+block], at); err != nil {
			return err
		}
	}
}
