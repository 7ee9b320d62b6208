// Goroutines and channels, a nil pointer that is recovered from, signals, timers, processes, maps under the garbage collector, pre-emption of a busy loop.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type node struct {
	next  *node
	value [8]int
}

func sum(n *node) (total int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	for {
		total += n.value[7]
		n = n.next // nil at the end
	}
}

func pipeline(stages, items int) int {
	in := make(chan int)
	first := in
	for s := 0; s < stages; s++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in, out)
		in = out
	}
	go func() {
		for i := 0; i < items; i++ {
			first <- i
		}
		close(first)
	}()
	total := 0
	for v := range in {
		total += v
	}
	return total
}

func busyIsPreempted() bool {
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	var stop int32
	go func() {
		for atomic.LoadInt32(&stop) == 0 {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	atomic.StoreInt32(&stop, 1)
	return true
}

func overSockets() string {
	dir, _ := os.MkdirTemp("", "go")
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		return err.Error()
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	var wg sync.WaitGroup
	var good int32
	for i := 0; i < 20; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			c, err := net.Dial("unix", l.Addr().String())
			if err != nil {
				return
			}
			defer c.Close()
			message := bytes.Repeat([]byte{byte(i)}, 1000*i+1)
			go c.Write(message)
			answer := make([]byte, len(message))
			if _, err := io.ReadFull(c, answer); err == nil && bytes.Equal(answer, message) {
				atomic.AddInt32(&good, 1)
			}
		}(i)
	}
	wg.Wait()
	return fmt.Sprint(good, " echoes")
}

func main() {
	if len(os.Args) > 1 {
		var n *node
		fmt.Println(n.value)
	}
	fmt.Println(pipeline(50, 200))
	list := &node{value: [8]int{7: 5}}
	fmt.Println(sum(&node{next: list, value: [8]int{7: 2}}))
	debug.SetGCPercent(20)
	kept := map[int][]byte{}
	for i := 0; i < 20000; i++ {
		kept[i%97] = append(make([]byte, 0, 512), fmt.Sprint(i)...)
	}
	runtime.GC()
	fmt.Println(len(kept), string(kept[5]))
	fmt.Println(busyIsPreempted(), overSockets())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGWINCH)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-signals)
	ticker, ticks := time.NewTicker(5*time.Millisecond), 0
	for range ticker.C {
		if ticks++; ticks == 4 {
			ticker.Stop()
			break
		}
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(bytes.Repeat([]byte("vivarium "), 5000))
	z.Close()
	r, _ := gzip.NewReader(&b)
	text, _ := io.ReadAll(r)
	fmt.Println(ticks, len(text))
	out, err := exec.Command("/bin/sh", "-c", "read x; echo got $x; exit 4").CombinedOutput()
	var exit *exec.ExitError
	fmt.Printf("%q %v %v\n", out, errors.As(err, &exit), err)
	_, err = os.Open("/no/such/file")
	fmt.Println(err, errors.Is(err, os.ErrNotExist))
	os.Exit(9)
}
