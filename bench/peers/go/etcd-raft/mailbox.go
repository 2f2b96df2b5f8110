package main

import (
	"sync"

	"go.etcd.io/etcd/raft/raftpb"
)

type delivery struct {
	group   uint32
	message raftpb.Message
}

type proposal struct {
	group uint32
	data  []byte
}

// mailbox is how readers and clients reach the loop, which takes everything at once.
type mailbox struct {
	wake       chan struct{}
	mutex      sync.Mutex
	deliveries []delivery
	proposals  []proposal
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) putMessages(deliveries []delivery) {
	m.mutex.Lock()
	m.deliveries = append(m.deliveries, deliveries...)
	m.mutex.Unlock()
	m.ring()
}

func (m *mailbox) putProposals(proposals []proposal) {
	m.mutex.Lock()
	m.proposals = append(m.proposals, proposals...)
	m.mutex.Unlock()
	m.ring()
}

// take gives what has come and keeps the memory of what was taken before.
func (m *mailbox) take(deliveries []delivery, proposals []proposal) ([]delivery, []proposal) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	deliveries, m.deliveries = m.deliveries, deliveries[:0]
	proposals, m.proposals = m.proposals, proposals[:0]
	return deliveries, proposals
}

func (m *mailbox) ring() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
