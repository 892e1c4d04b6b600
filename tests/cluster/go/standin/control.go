package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const usage = `usage: standin fail crash|hang|not-ready|slow DURATION|oom|stop|clear
       standin say LINE
       standin state
       standin get URL
       standin check FILE...`

// socketName is of the abstract kind: it needs no writable place. Containers of
// one pod share a network, so the contract tells them apart. Orders go to the image's own program.
func socketName() string {
	data, _ := os.ReadFile(contractFile())
	return fmt.Sprintf("@standin-%x", sha256.Sum256(data))
}

// control listens for orders; without it the stand-in works all the same.
func (s *server) control(ctx context.Context) {
	listener, err := net.Listen("unix", socketName())
	if err != nil {
		s.log("no control socket: %v", err)
		return
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.obey(conn)
		}
	}()
}

// obey reads one line and answers one.
func (s *server) obey(conn net.Conn) {
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	answer, err := s.order(strings.TrimSpace(line))
	if err != nil {
		answer = "error: " + err.Error()
	}
	fmt.Fprintln(conn, answer)
}

func (s *server) order(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "say":
		s.log("%s", rest)
		return "ok", nil
	case "state":
		return s.state()
	case "fail":
		return "ok", s.fail(rest)
	}
	return "", fmt.Errorf("unknown order %q", verb)
}

func (s *server) fail(what string) error {
	name, rest, _ := strings.Cut(what, " ")
	switch name {
	case "clear":
		s.faults.clearAll()
	case "crash":
		s.log("fatal: told to crash")
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(1) }) // after the answer
	case "oom":
		go eat()
	case "slow":
		delay, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		s.faults.order(name, delay)
	case "hang", "not-ready", "stop":
		s.faults.order(name, 0)
	default:
		return fmt.Errorf("unknown failure %q", name)
	}
	return nil
}

// eat takes memory, touched so that it is really there, until the kernel ends it.
func eat() {
	var taken [][]byte
	for {
		block := make([]byte, 16<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		taken = append(taken, block)
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *server) state() (string, error) {
	reached := map[string]bool{}
	for name, u := range s.upstreams {
		reached[name] = u.reached.Load()
	}
	data, err := json.Marshal(map[string]any{
		"failures": s.faults.names(), "upstreams": reached, "notReady": s.notReady(),
		"published": s.counters.Published.Load(), "queued": s.counters.Queued.Load(),
		"collected": s.counters.Collected.Load(), "dropped": s.counters.Dropped.Load(),
	})
	return string(data), err
}

// command is what an operator runs beside the stand-in.
func command(args []string, out, errs io.Writer) int {
	var err error
	switch {
	case len(args) == 1 && args[0] == "state", len(args) > 1 && (args[0] == "fail" || args[0] == "say"):
		err = send(strings.Join(args, " "), out)
	case len(args) == 2 && args[0] == "get":
		err = get(args[1], out)
	case len(args) > 1 && args[0] == "check":
		err = check(args[1:], out)
	default:
		fmt.Fprintln(errs, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(errs, "standin:", err)
		return 1
	}
	return 0
}

func send(line string, out io.Writer) error {
	conn, err := net.Dial("unix", socketName())
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintln(conn, line)
	answer, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if text, failed := strings.CutPrefix(string(answer), "error: "); failed {
		return errors.New(strings.TrimSpace(text))
	}
	_, err = out.Write(answer)
	return err
}

func get(url string, out io.Writer) error {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Fprintln(out, answer.Status)
	_, err = io.Copy(out, answer.Body)
	return err
}
