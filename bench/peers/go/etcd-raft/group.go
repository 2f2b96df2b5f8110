package main

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"go.etcd.io/etcd/raft"
	"go.etcd.io/etcd/raft/raftpb"
	"go.etcd.io/etcd/raft/tracker"

	"peers/load"
)

const (
	members = 3
	// electionTicks is long: no member fails here, and a stalled disk must not end a run.
	electionTicks  = 30
	heartbeatTicks = 5
	// With many proposals a turn, messages are large and few; the window shall never close.
	messageBytesMax     = 1 << 20
	inflightMessagesMax = 1024
	// keptEntries is what all groups together keep in memory behind the slowest member.
	keptEntries = 65_536
)

// group is this member's replica of one group: the algorithm, its log in memory, its state machine.
type group struct {
	number uint32
	// here says that this member is to lead it.
	here    bool
	raw     *raft.RawNode
	storage *raft.MemoryStorage
	// state is the state machine: a checksum of all commands.
	state uint32

	proposals []raftpb.Entry
	ready     raft.Ready
	// dirty says that it stands in the loop's list of groups to look at.
	dirty bool
	// durable is the last hard state that was written.
	durable raftpb.HardState
	applied uint64
	// kept counts the entries appended since the log in memory was last cut.
	kept    int
	keptMax int
}

// leaderOf spreads the leaders over the members.
func leaderOf(group uint32) uint64 { return uint64(group%members) + 1 }

func newGroups(member uint64, count int) []*group {
	groups := make([]*group, count)
	for number := range groups {
		groups[number] = newGroup(member, uint32(number), keptEntries/count+64)
	}
	return groups
}

func ledHere(groups []*group) []uint32 {
	var led []uint32
	for _, group := range groups {
		if group.here {
			led = append(led, group.number)
		}
	}
	return led
}

func newGroup(member uint64, number uint32, keptMax int) *group {
	storage := raft.NewMemoryStorage()
	voters := make([]uint64, members)
	for index := range voters {
		voters[index] = uint64(index + 1)
	}
	// As the package advises: all members begin behind the same snapshot, with no log to bootstrap.
	load.Must(storage.ApplySnapshot(raftpb.Snapshot{Metadata: raftpb.SnapshotMetadata{
		Index: 1, Term: 1, ConfState: raftpb.ConfState{Voters: voters},
	}}))
	raw, err := raft.NewRawNode(&raft.Config{
		ID:                        member,
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   storage,
		Applied:                   1,
		MaxSizePerMsg:             messageBytesMax,
		MaxCommittedSizePerReady:  math.MaxUint64,
		MaxInflightMsgs:           inflightMessagesMax,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
	})
	load.Must(err)
	return &group{
		number:  number,
		here:    leaderOf(number) == member,
		raw:     raw,
		storage: storage,
		keptMax: keptMax,
	}
}

func (g *group) leads() bool { return g.raw.BasicStatus().RaftState == raft.StateLeader }

// propose hands over all proposals of the turn in one message.
func (g *group) propose() {
	if len(g.proposals) == 0 {
		return
	}
	err := g.raw.Step(raftpb.Message{Type: raftpb.MsgProp, Entries: g.proposals})
	if err != nil {
		load.Fail("group %d took no proposal, its leader is lost: %v", g.number, err)
	}
	// A leader copies them into its log.
	g.proposals = g.proposals[:0]
}

// store adds to the turn's batch what must be durable before this member's word counts. A commit
// index alone need not be: whoever lost it learns it again.
func (g *group) store(log *writeAheadLog) {
	for index := range g.ready.Entries {
		log.addEntry(g.number, &g.ready.Entries[index])
	}
	state := g.ready.HardState
	if raft.IsEmptyHardState(state) {
		return
	}
	if state.Term != g.durable.Term || state.Vote != g.durable.Vote {
		log.addHardState(g.number, &state)
		g.durable = state
	}
}

// finish is called when the turn's batch is durable. It appends to keys those of the applied
// commands whose clients are here.
func (g *group) finish(keys []uint64) []uint64 {
	load.Must(g.storage.Append(g.ready.Entries))
	g.kept += len(g.ready.Entries)
	if !raft.IsEmptyHardState(g.ready.HardState) {
		load.Must(g.storage.SetHardState(g.ready.HardState))
	}
	for index := range g.ready.CommittedEntries {
		entry := &g.ready.CommittedEntries[index]
		g.applied = entry.Index
		if len(entry.Data) == 0 {
			continue
		}
		g.state = crc32.Update(g.state, castagnoli, entry.Data)
		if g.here {
			keys = append(keys, binary.BigEndian.Uint64(entry.Data))
		}
	}
	g.raw.Advance(g.ready)
	g.ready = raft.Ready{}
	if g.kept > g.keptMax {
		g.cut()
	}
	return keys
}

// cut drops what every member has from the log in memory.
func (g *group) cut() {
	to := g.applied
	if g.leads() {
		g.raw.WithProgress(func(_ uint64, _ raft.ProgressType, progress tracker.Progress) {
			to = min(to, progress.Match)
		})
	}
	first, err := g.storage.FirstIndex()
	load.Must(err)
	if to > first {
		load.Must(g.storage.Compact(to))
	}
	g.kept = 0
}

func min(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return b
}
