// Package load is what the programs of the peers share: how they are told what to do, and how they
// count and time acknowledged commands. A program says JSON objects on stdout, one a line: the port
// of a member, how many groups it leads, its figures. It is told `ports N N N` and `run OUTSTANDING
// WARM-UP LENGTH`, times in ms, on stdin, and ends with it, so that it never outlives whoever
// started it.
package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// samplesMax bounds what one program keeps of its latencies: a uniform sample of all.
const samplesMax = 50_000

// ticksPerSecond is the unit of /proc/PID/stat; Linux has told every program 100 for decades.
const ticksPerSecond = 100

// Orders are the lines of stdin.
type Orders struct{ lines chan string }

// Work is what `run` asks for.
type Work struct {
	// Outstanding is the number of clients of this program.
	Outstanding int
	// WarmUp passes first; nothing is counted in it.
	WarmUp time.Duration
	Length time.Duration
}

type figures struct {
	Acknowledged int       `json:"acknowledged"`
	Seconds      float64   `json:"seconds"`
	CPUMicros    float64   `json:"cpuMicros"`
	LatenciesUs  []float64 `json:"latenciesUs"`
}

// TakeOrders reads stdin; the program ends with it.
func TakeOrders() *Orders {
	orders := &Orders{lines: make(chan string)}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			orders.lines <- lines.Text()
		}
		os.Exit(0)
	}()
	return orders
}

// Peers waits for `ports` and returns the addresses of all members, in the order of their numbers.
func (o *Orders) Peers() []string {
	var addresses []string
	for _, port := range o.next("ports") {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return addresses
}

// Run waits for `run`.
func (o *Orders) Run() Work {
	numbers := o.next("run")
	if len(numbers) != 3 {
		Fail("run takes three numbers, got %v", numbers)
	}
	return Work{
		Outstanding: numbers[0],
		WarmUp:      time.Duration(numbers[1]) * time.Millisecond,
		Length:      time.Duration(numbers[2]) * time.Millisecond,
	}
}

// WaitForEnd lets the load run until stdin ends.
func (o *Orders) WaitForEnd() {
	for range o.lines {
	}
}

func (o *Orders) next(order string) []int {
	line := <-o.lines
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != order {
		Fail("expected %s, got %q", order, line)
	}
	return Numbers(strings.Join(words[1:], ","))
}

// SayPort tells where the others reach this member.
func SayPort(address string) {
	_, port, err := net.SplitHostPort(address)
	Must(err)
	say(map[string]int{"port": Numbers(port)[0]})
}

// SayLeads tells how many groups this program can load; its share of the clients depends on it.
func SayLeads(groups int) { say(map[string]int{"leads": groups}) }

func say(value any) {
	line, err := json.Marshal(value)
	Must(err)
	os.Stdout.Write(append(line, '\n'))
}

// Fail ends the program, saying why.
func Fail(format string, values ...any) {
	say(map[string]string{"failed": fmt.Sprintf(format, values...)})
	os.Exit(1)
}

// Must ends the program if err is one.
func Must(err error) {
	if err != nil {
		Fail("%v", err)
	}
}

// Recorder counts the commands acknowledged in the window, and keeps a sample of their latencies.
type Recorder struct {
	from, to time.Time
	mutex    sync.Mutex
	count    int
	sample   []float64
	random   *rand.Rand
}

// Measure returns a recorder of the work that begins now, and says its figures when it is over. The
// CPU time is this program's and that of the processes in pids.
func Measure(work Work, pids []int) *Recorder {
	from := time.Now().Add(work.WarmUp)
	recorder := &Recorder{
		from:   from,
		to:     from.Add(work.Length),
		sample: []float64{},
		random: rand.New(rand.NewSource(1)),
	}
	go func() {
		time.Sleep(work.WarmUp)
		before := cpuMicros(pids)
		time.Sleep(time.Until(recorder.to))
		used := cpuMicros(pids) - before
		recorder.mutex.Lock()
		defer recorder.mutex.Unlock()
		say(figures{recorder.count, work.Length.Seconds(), used, recorder.sample})
	}()
	return recorder
}

// Acknowledged takes commands that were begun at the given times and acknowledged now.
func (r *Recorder) Acknowledged(now time.Time, begun ...time.Time) {
	if now.Before(r.from) || !now.Before(r.to) {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, start := range begun {
		micros := float64(now.Sub(start).Nanoseconds()) / 1_000
		r.count++
		if len(r.sample) < samplesMax {
			r.sample = append(r.sample, micros)
		} else if at := r.random.Intn(r.count); at < samplesMax {
			r.sample[at] = micros
		}
	}
}

func cpuMicros(pids []int) float64 {
	var usage syscall.Rusage
	Must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	micros := float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1_000
	for _, pid := range pids {
		micros += processMicros(pid)
	}
	return micros
}

// processMicros reads the 14th and 15th field; the second, a name in parentheses, may hold spaces.
func processMicros(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	Must(err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	micros := 0.0
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		Must(err)
		micros += float64(ticks) * 1_000_000 / ticksPerSecond
	}
	return micros
}

// Numbers reads a list with commas; an empty one has none.
func Numbers(list string) []int {
	var numbers []int
	for _, text := range strings.Split(list, ",") {
		if text == "" {
			continue
		}
		number, err := strconv.Atoi(text)
		Must(err)
		numbers = append(numbers, number)
	}
	return numbers
}
