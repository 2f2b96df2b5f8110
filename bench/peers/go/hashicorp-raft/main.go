// Hashicorp-raft is one member of a cluster of three with one log: hashicorp/raft over its TCP
// transport, with raft-boltdb, which fsyncs each batch, and the least of a state machine. The
// clients of the closed loop are goroutines in the leader's process.
package main

import (
	"errors"
	"flag"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/boltdb/bolt"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb"

	"peers/load"
)

const (
	// appendEntriesMax is the most that the library takes; it bounds a batch of the log as well.
	appendEntriesMax = 1024
	// cachedEntries is the part of the log that followers are served from without reading it back.
	cachedEntries = 65_536
	// mapBytes spares the store remapping its file as that grows.
	mapBytes = 1 << 32
	// patience is long: no member fails here, and a stalled disk must not end a run.
	patience = 2 * time.Second
	// gcPercent trades memory for fewer collections, which cost a tenth of the CPU at Go's default.
	gcPercent = 800
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func main() {
	member := flag.Int("member", 1, "number of this member, from 1")
	dir := flag.String("dir", "", "directory of its store")
	valueBytes := flag.Int("value-bytes", 16, "size of a value")
	flag.Parse()
	debug.SetGCPercent(gcPercent)

	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})
	transport, err := raft.NewTCPTransportWithLogger("127.0.0.1:0", nil, 4, 10*time.Second, logger)
	load.Must(err)
	node := open(*member, *dir, transport, logger)
	orders := load.TakeOrders()
	load.SayPort(string(transport.LocalAddr()))
	if peers := orders.Peers(); *member == 1 {
		load.Must(node.BootstrapCluster(configuration(peers)).Error())
	}
	for node.Leader() == "" {
		time.Sleep(10 * time.Millisecond)
	}
	if node.State() == raft.Leader {
		load.SayLeads(1)
	} else {
		load.SayLeads(0)
	}

	work := orders.Run()
	recorder := load.Measure(work, nil)
	for number := 0; number < work.Outstanding; number++ {
		go client(node, make([]byte, *valueBytes), recorder)
	}
	orders.WaitForEnd()
}

func open(member int, dir string, transport raft.Transport, logger hclog.Logger) *raft.Raft {
	options := raftboltdb.Options{
		Path:        filepath.Join(dir, "raft.db"),
		BoltOptions: &bolt.Options{InitialMmapSize: mapBytes},
	}
	store, err := raftboltdb.New(options)
	load.Must(err)
	cache, err := raft.NewLogCache(cachedEntries, store)
	load.Must(err)
	config := raft.DefaultConfig()
	config.LocalID = serverID(member)
	config.Logger = logger
	config.MaxAppendEntries = appendEntriesMax
	config.HeartbeatTimeout = patience
	config.ElectionTimeout = patience
	config.LeaderLeaseTimeout = patience
	// The log is never compacted: flotilla's is not either.
	config.SnapshotThreshold = 1 << 62
	snapshots := raft.NewDiscardSnapshotStore()
	node, err := raft.NewRaft(config, &machine{}, cache, store, snapshots, transport)
	load.Must(err)
	return node
}

func serverID(member int) raft.ServerID { return raft.ServerID(strconv.Itoa(member)) }

func configuration(peers []string) raft.Configuration {
	var servers []raft.Server
	for index, address := range peers {
		servers = append(servers, raft.Server{
			ID:      serverID(index + 1),
			Address: raft.ServerAddress(address),
		})
	}
	return raft.Configuration{Servers: servers}
}

// client applies again as soon as it is answered. Thousands of them wait to hand over their command
// at once, and that is what the leader takes its batches from.
func client(node *raft.Raft, command []byte, recorder *load.Recorder) {
	begun := time.Now()
	for {
		load.Must(node.Apply(command, 0).Error())
		now := time.Now()
		recorder.Acknowledged(now, begun)
		begun = now
	}
}

// machine is a checksum of all commands. One goroutine of the library touches it.
type machine struct{ state uint32 }

func (m *machine) Apply(entry *raft.Log) any {
	if entry.Type == raft.LogCommand {
		m.state = crc32.Update(m.state, castagnoli, entry.Data)
	}
	return nil
}

func (m *machine) ApplyBatch(entries []*raft.Log) []any {
	for _, entry := range entries {
		m.Apply(entry)
	}
	return make([]any, len(entries))
}

func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("no snapshots") }

func (m *machine) Restore(io.ReadCloser) error { return errors.New("no snapshots") }
