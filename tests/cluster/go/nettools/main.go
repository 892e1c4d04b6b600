// nettools is `nc` and `wget` for the test images. Debian's static busybox has an
// nc without -z, and its wget crashes on a name that does not exist; manifests
// rely on both. Only what init containers and probes use is here; an nc that
// listens is left to busybox.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	var err error
	switch name := path.Base(os.Args[0]); name {
	case "nc":
		err = nc(os.Args[1:])
	case "wget":
		err = wget(os.Args[1:])
	default:
		err = fmt.Errorf("not a tool: %s", name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", path.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

// options are single letters, alone (-z -v), together (-zv) or with a value (-w 3,
// -w3), and --long or --long=value.
type options struct {
	set  map[string]string
	rest []string
}

func (o options) has(name string) bool { _, ok := o.set[name]; return ok }

func (o options) seconds(name string) time.Duration {
	n, _ := strconv.ParseFloat(o.set[name], 64)
	return time.Duration(n * float64(time.Second))
}

// parse takes the letters in valued, and the long names in it, with a value.
func parse(args []string, known, valued string) (options, error) {
	o := options{set: map[string]string{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case strings.HasPrefix(arg, "--"):
			name, value, _ := strings.Cut(arg[2:], "=")
			if !strings.Contains(known, " "+name+" ") {
				return o, fmt.Errorf("unrecognized option '--%s'", name)
			}
			o.set[name] = value
		case strings.HasPrefix(arg, "-") && arg != "-":
			for at, letter := range arg[1:] {
				name := string(letter)
				if strings.Contains(valued, name) {
					value := arg[at+2:]
					if value == "" && i+1 < len(args) {
						i++
						value = args[i]
					}
					o.set[name] = value
					break
				}
				if !strings.Contains(known, name) {
					return o, fmt.Errorf("invalid option -- '%s'", name)
				}
				o.set[name] = ""
			}
		default:
			o.rest = append(o.rest, arg)
		}
	}
	return o, nil
}

func nc(args []string) error {
	o, err := parse(args, "zvn", "w")
	if err != nil || len(o.rest) != 2 {
		return syscall.Exec("/bin/busybox", append([]string{"nc"}, args...), os.Environ())
	}
	address := net.JoinHostPort(o.rest[0], o.rest[1])
	conn, err := net.DialTimeout("tcp", address, o.seconds("w"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if o.has("v") {
		fmt.Fprintf(os.Stderr, "%s open\n", address)
	}
	if o.has("z") {
		return nil
	}
	go func() {
		io.Copy(conn, os.Stdin)
		conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}

func wget(args []string) error {
	o, err := parse(args, "qSc spider no-check-certificate post-data header no-verbose timeout tries ", "OTtUPY")
	if err != nil {
		return err
	}
	if len(o.rest) != 1 {
		return errors.New("one URL is needed")
	}
	req, err := request(o)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: max(o.seconds("T"), o.seconds("timeout"))}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if o.has("S") {
		fmt.Fprintf(os.Stderr, "  %s %s\n", answer.Proto, answer.Status)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("server returned error: %s %s", answer.Proto, answer.Status)
	}
	if o.has("spider") {
		return nil
	}
	return save(o, req, answer.Body)
}

func request(o options) (*http.Request, error) {
	url := o.rest[0]
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	method, body := http.MethodGet, io.Reader(nil)
	if o.has("post-data") {
		method, body = http.MethodPost, strings.NewReader(o.set["post-data"])
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if name, value, ok := strings.Cut(o.set["header"], ":"); ok {
		req.Header.Set(name, strings.TrimSpace(value))
	}
	return req, nil
}

func save(o options, req *http.Request, body io.Reader) error {
	name := o.set["O"]
	if name == "" {
		if name = path.Base(req.URL.Path); name == "/" || name == "." {
			name = "index.html"
		}
	}
	if name == "-" {
		_, err := io.Copy(os.Stdout, body)
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, body); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
