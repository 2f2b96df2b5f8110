package main

import (
	"encoding/binary"
	"sync"
	"time"

	"peers/load"
)

// clients are the closed loop of this member, for the groups that are led here: each proposes again
// when its last command was applied. Commands and acknowledgements change hands in batches.
type clients struct {
	wake         chan struct{}
	mutex        sync.Mutex
	acknowledged []uint64
}

// client begins its command with its place in the plan, by which it is acknowledged.
type client struct {
	// groups has one group, or all those that the client goes round among.
	groups  []uint32
	turn    int
	command []byte
	begun   time.Time
}

func newClients() *clients { return &clients{wake: make(chan struct{}, 1)} }

// plan spreads clients over groups; where there are fewer clients, they wander.
func plan(groups []uint32, outstanding, valueBytes int) []client {
	planned := make([]client, outstanding)
	for number := range planned {
		command := make([]byte, valueBytes)
		binary.BigEndian.PutUint64(command, uint64(number))
		planned[number] = client{groups: groups, turn: number, command: command}
		if outstanding >= len(groups) {
			group := number % len(groups)
			planned[number].groups = groups[group : group+1]
		}
	}
	return planned
}

func (c *client) propose(now time.Time) proposal {
	group := c.groups[c.turn%len(c.groups)]
	c.turn++
	c.begun = now
	return proposal{group, c.command}
}

// acknowledge is called by the loop, once a turn, with the keys of the commands applied.
func (c *clients) acknowledge(keys []uint64) {
	c.mutex.Lock()
	c.acknowledged = append(c.acknowledged, keys...)
	c.mutex.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *clients) run(planned []client, recorder *load.Recorder, mail *mailbox) {
	var again []proposal
	now := time.Now()
	for number := range planned {
		again = append(again, planned[number].propose(now))
	}
	mail.putProposals(again)
	var keys []uint64
	var begun []time.Time
	for range c.wake {
		c.mutex.Lock()
		keys, c.acknowledged = c.acknowledged, keys[:0]
		c.mutex.Unlock()
		now := time.Now()
		again, begun = again[:0], begun[:0]
		for _, key := range keys {
			begun = append(begun, planned[key].begun)
			again = append(again, planned[key].propose(now))
		}
		mail.putProposals(again)
		recorder.Acknowledged(now, begun...)
	}
}
