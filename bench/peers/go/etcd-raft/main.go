// Etcd-raft is one member of a cluster of three that runs many groups of etcd's raft package in one
// loop, batched as well as that package allows: a turn of the loop takes all that has come in, has
// one write and one fdatasync for all groups, and sends a member one frame before them and one after
// them. The clients of the closed loop are in the process of their group's leader; leaders are
// spread over the members.
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/etcd/raft"

	"peers/load"
)

// gcPercent trades memory for fewer collections: what is alive here is small, and at Go's default of
// 100 the collector runs many times a second.
const gcPercent = 800

func main() {
	member := flag.Int("member", 1, "number of this member, from 1")
	dir := flag.String("dir", "", "directory of its log")
	groupCount := flag.Int("groups", 1, "groups")
	valueBytes := flag.Int("value-bytes", 16, "size of a value")
	flag.Parse()
	debug.SetGCPercent(gcPercent)
	raft.SetLogger(&raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	load.Must(err)
	log := createLog(filepath.Join(*dir, "log"))
	orders := load.TakeOrders()
	load.SayPort(listener.Addr().String())

	mail := newMailbox()
	go accept(listener, mail)
	lanes := dialAll(orders.Peers(), uint64(*member))
	groups := newGroups(uint64(*member), *groupCount)
	clients := newClients()
	node := newNode(groups, lanes, log)
	go node.run(mail, clients)
	<-node.leads
	led := ledHere(groups)
	load.SayLeads(len(led))

	work := orders.Run()
	recorder := load.Measure(work, nil)
	clients.run(plan(led, work.Outstanding, *valueBytes), recorder, mail)
}
