package main

import (
	"time"

	"go.etcd.io/etcd/raft/raftpb"
)

const (
	tick = 100 * time.Millisecond
	// campaignTicks is how often a member asks again for the groups that it is to lead.
	campaignTicks = 10
)

// node is the loop of a member. Only its goroutine touches groups, lanes and log.
type node struct {
	groups []*group
	lanes  map[uint64]*lane
	log    *writeAheadLog
	// leads is closed when this member leads all the groups that it is to lead.
	leads chan struct{}
	ready bool
	ticks int
	dirty []*group
	keys  []uint64
}

func newNode(groups []*group, lanes map[uint64]*lane, log *writeAheadLog) *node {
	return &node{groups: groups, lanes: lanes, log: log, leads: make(chan struct{})}
}

func (n *node) run(mail *mailbox, clients *clients) {
	ticker := time.NewTicker(tick)
	var deliveries []delivery
	var proposals []proposal
	for {
		if len(n.dirty) == 0 {
			select {
			case <-mail.wake:
			case <-ticker.C:
				n.tick()
			}
		} else {
			select {
			case <-ticker.C:
				n.tick()
			default:
			}
		}
		deliveries, proposals = mail.take(deliveries, proposals)
		n.step(deliveries, proposals)
		n.turn(clients)
	}
}

func (n *node) tick() {
	led := true
	for _, group := range n.groups {
		group.raw.Tick()
		if !n.ready && group.here && !group.leads() {
			led = false
			if n.ticks%campaignTicks == 0 {
				group.raw.Campaign()
			}
		}
		n.look(group)
	}
	n.ticks++
	if led && !n.ready {
		n.ready = true
		close(n.leads)
	}
}

// look puts a group on the list of this turn.
func (n *node) look(group *group) {
	if !group.dirty {
		group.dirty = true
		n.dirty = append(n.dirty, group)
	}
}

// step takes answers before proposals, so that one message carries new entries and the new commit
// index.
func (n *node) step(deliveries []delivery, proposals []proposal) {
	for index := range deliveries {
		group := n.groups[deliveries[index].group]
		// What does not fit the term any more is refused, as it should be.
		_ = group.raw.Step(deliveries[index].message)
		n.look(group)
	}
	for index := range proposals {
		group := n.groups[proposals[index].group]
		group.proposals = append(group.proposals, raftpb.Entry{Data: proposals[index].data})
		n.look(group)
	}
	for _, group := range n.dirty {
		group.propose()
	}
}

func (n *node) turn(clients *clients) {
	active := n.dirty[:0]
	for _, group := range n.dirty {
		if !group.raw.HasReady() {
			group.dirty = false
			continue
		}
		active = append(active, group)
		group.ready = group.raw.Ready()
		group.store(n.log)
		n.send(group, leadersMessage)
	}
	n.flush()
	n.log.sync()
	n.keys = n.keys[:0]
	n.dirty = n.dirty[:0]
	for _, group := range active {
		n.send(group, othersMessage)
		n.keys = group.finish(n.keys)
		group.dirty = false
		if group.raw.HasReady() {
			n.look(group)
		}
	}
	n.flush()
	if len(n.keys) > 0 {
		clients.acknowledge(n.keys)
	}
}

// leadersMessage picks what may leave before the own disk has answered: entries and heartbeats. An
// append without entries would only tell the followers the commit index, which the next entries or
// heartbeat tell as well.
func leadersMessage(message *raftpb.Message) bool {
	switch message.Type {
	case raftpb.MsgApp:
		return len(message.Entries) > 0
	case raftpb.MsgHeartbeat:
		return true
	}
	return false
}

// othersMessage picks what rests on the own disk: votes, requests for them, and answers.
func othersMessage(message *raftpb.Message) bool {
	return message.Type != raftpb.MsgApp && message.Type != raftpb.MsgHeartbeat
}

func (n *node) send(group *group, picks func(*raftpb.Message) bool) {
	for index := range group.ready.Messages {
		if message := &group.ready.Messages[index]; picks(message) {
			n.lanes[message.To].add(group.number, message)
		}
	}
}

func (n *node) flush() {
	for _, lane := range n.lanes {
		lane.flush()
	}
}
