package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sort"
	"strings"
	"syscall"
	"time"
)

// job is a line `TOOL<tab>PHASE<tab>COMMAND` of the list of work. Lines of the same phase that follow each other are done in
// turn, in another order each round, so that what the machine does meanwhile hits all alike. A phase `-` is not measured.
type job struct{ tool, phase, command string }

// figures of one tool in one phase.
type figures struct{ wall, cpu, peak []float64 }

// whole times whole processes, from their start to their exit. With -control it counts their requests instead, in one round.
func whole(arguments []string) error {
	flags := flag.NewFlagSet("whole", flag.ExitOnError)
	list := flags.String("list", "", "the list of work")
	rounds := flags.Int("rounds", 10, "how often all of it is done, after one round that does not count")
	control := flags.String("control", "", "of an apiproxy: count requests, and do one round")
	base := flags.String("base", "kubectl", "the tool that the others are compared with")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	jobs, err := readJobs(*list)
	if err != nil {
		return err
	}
	if *control != "" {
		return count(jobs, *control)
	}
	results := map[[2]string]*figures{}
	for round := range *rounds + 1 {
		for _, one := range inTurn(jobs, round) {
			spent, err := one.do()
			if err != nil {
				return err
			}
			if round == 0 || one.phase == "-" {
				continue
			}
			key := [2]string{one.phase, one.tool}
			if results[key] == nil {
				results[key] = &figures{}
			}
			results[key].wall = append(results[key].wall, spent.wall)
			results[key].cpu = append(results[key].cpu, spent.cpu)
			results[key].peak = append(results[key].peak, spent.peak)
		}
	}
	fmt.Printf("%-12s %-14s %8s %8s %8s %8s %8s  %s\n", "phase", "tool", "median s", "min", "max", "cpu s", "peak MiB", "times "+*base)
	for _, one := range once(jobs) {
		f := results[[2]string{one.phase, one.tool}]
		fmt.Printf("%-12s %-14s %8.3f %8.3f %8.3f %8.3f %8.0f  %s\n", one.phase, one.tool, median(f.wall), lowest(f.wall), highest(f.wall),
			median(f.cpu), highest(f.peak), f.against(results[[2]string{one.phase, *base}]))
	}
	return nil
}

// against another tool, pair by pair of the same round.
func (f *figures) against(other *figures) string {
	if other == nil || len(other.wall) != len(f.wall) {
		return "-"
	}
	var ratios []float64
	for index := range f.wall {
		ratios = append(ratios, f.wall[index]/other.wall[index])
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

func readJobs(path string) ([]job, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var jobs []job
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s: not TOOL<tab>PHASE<tab>COMMAND: %s", path, lines.Text())
		}
		jobs = append(jobs, job{parts[0], parts[1], parts[2]})
	}
	return jobs, lines.Err()
}

func inTurn(jobs []job, round int) []job {
	var turned []job
	for start := 0; start < len(jobs); {
		end := start
		for end < len(jobs) && jobs[end].phase == jobs[start].phase {
			end++
		}
		group := jobs[start:end]
		shift := 0
		if group[0].phase != "-" {
			shift = round % len(group)
		}
		turned = append(append(turned, group[shift:]...), group[:shift]...)
		start = end
	}
	return turned
}

// once: each phase of each tool that is measured.
func once(jobs []job) []job {
	seen := map[[2]string]bool{}
	var kept []job
	for _, one := range jobs {
		key := [2]string{one.phase, one.tool}
		if one.phase != "-" && !seen[key] {
			seen[key] = true
			kept = append(kept, one)
		}
	}
	return kept
}

// spent is what a process took: seconds, seconds of a processor, and the largest memory of it or of one that it waited for, MiB.
type spent struct{ wall, cpu, peak float64 }

// do runs a command without a shell when it needs none, so that only the program itself is measured.
func (j job) do() (spent, error) {
	words := strings.Fields(j.command)
	if strings.ContainsAny(j.command, `'"$|&;<>`) {
		words = []string{"sh", "-c", j.command}
	}
	process := exec.Command(words[0], words[1:]...)
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	began := time.Now()
	err := process.Run()
	wall := time.Since(began).Seconds()
	// kubectl diff and kapp say with their exit code that there is a difference, and a doctor that something is wrong.
	var exit *exec.ExitError
	differs := errors.As(err, &exit) && (exit.ExitCode() == 1 || exit.ExitCode() == 3) && (j.phase == "difference" || j.phase == "findings")
	if err != nil && !differs {
		return spent{}, fmt.Errorf("%s, %s: %w\n%s", j.tool, j.phase, err, tail(said.String()))
	}
	usage, _ := process.ProcessState.SysUsage().(*syscall.Rusage)
	return spent{wall, seconds(usage.Utime) + seconds(usage.Stime), float64(usage.Maxrss) / 1024}, nil
}

func tail(text string) string {
	if len(text) > 2000 {
		return text[len(text)-2000:]
	}
	return text
}

func seconds(time syscall.Timeval) float64 { return float64(time.Sec) + float64(time.Usec)/1e6 }

func sorted(numbers []float64) []float64 {
	copied := append([]float64{}, numbers...)
	sort.Float64s(copied)
	return copied
}

func median(numbers []float64) float64 {
	s := sorted(numbers)
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

func lowest(numbers []float64) float64 { return sorted(numbers)[0] }

func highest(numbers []float64) float64 { return sorted(numbers)[len(numbers)-1] }

func count(jobs []job, control string) error {
	fmt.Printf("%-12s %-14s %8s %8s %8s %8s\n", "phase", "tool", "requests", "writes", "dry-run", "MB")
	for _, one := range jobs {
		if _, err := http.Post(control+"/reset", "", nil); err != nil {
			return err
		}
		if _, err := one.do(); err != nil {
			return err
		}
		if one.phase == "-" {
			continue
		}
		answer, err := http.Get(control + "/counts")
		if err != nil {
			return err
		}
		var counts struct {
			Mutating int            `json:"mutating"`
			DryRun   int            `json:"dryRun"`
			Bytes    int64          `json:"bytes"`
			ByMethod map[string]int `json:"byMethod"`
		}
		err = json.NewDecoder(answer.Body).Decode(&counts)
		answer.Body.Close()
		if err != nil {
			return err
		}
		all := 0
		for _, number := range counts.ByMethod {
			all += number
		}
		fmt.Printf("%-12s %-14s %8d %8d %8d %8.2f\n", one.phase, one.tool, all, counts.Mutating, counts.DryRun, float64(counts.Bytes)/1e6)
	}
	return nil
}
