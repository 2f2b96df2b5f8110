// Nats-load publishes to JetStream streams in a closed loop: each client waits for the
// acknowledgement of its message. It publishes where the stream's leader is, over one connection a
// server, and takes all acknowledgements of a connection through one subscription, which costs less
// than the client library's future a message.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"peers/load"
)

// creatorCount is how many streams are created at a time; each takes long to find its leader.
const creatorCount = 16

type client struct {
	connection *nats.Conn
	subject    string
	reply      string
	begun      time.Time
}

func main() {
	endpoints := flag.String("endpoints", "", "client URLs of all servers, with commas")
	pids := flag.String("pids", "", "processes whose CPU time counts, with commas")
	streams := flag.Int("streams", 1, "streams")
	valueBytes := flag.Int("value-bytes", 16, "size of a message")
	flag.Parse()
	orders := load.TakeOrders()

	connections := map[string]*nats.Conn{}
	var any *nats.Conn
	for _, endpoint := range strings.Split(*endpoints, ",") {
		connection := connect(endpoint)
		connections[connection.ConnectedServerName()] = connection
		any = connection
	}
	leaders := createStreams(any, *streams)
	load.SayLeads(*streams)

	work := orders.Run()
	clients := make([]client, work.Outstanding)
	for number := range clients {
		stream := number % *streams
		connection := connections[leaders[stream]]
		if connection == nil {
			load.Fail("stream %d is led by an unknown server %q", stream, leaders[stream])
		}
		clients[number] = client{connection: connection, subject: subjectOf(stream)}
	}
	recorder := load.Measure(work, load.Numbers(*pids))
	value := make([]byte, *valueBytes)
	for _, connection := range connections {
		listen(connection, clients, value, recorder)
	}
	for number := range clients {
		client := &clients[number]
		client.reply = replyPrefix(client.connection) + strconv.Itoa(number)
		client.publish(value)
	}
	orders.WaitForEnd()
}

func subjectOf(stream int) string { return fmt.Sprintf("bench.%d", stream) }

func replyPrefix(connection *nats.Conn) string {
	return fmt.Sprintf("acks.%s.", connection.ConnectedServerName())
}

func (c *client) publish(value []byte) {
	c.begun = time.Now()
	load.Must(c.connection.PublishRequest(c.subject, c.reply, value))
}

// listen takes a connection's acknowledgements. A client belongs to one connection, so only this
// subscription's goroutine touches it once the load runs.
func listen(connection *nats.Conn, clients []client, value []byte, recorder *load.Recorder) {
	prefix := replyPrefix(connection)
	subscription, err := connection.Subscribe(prefix+"*", func(ack *nats.Msg) {
		if bytes.Contains(ack.Data, []byte(`"error"`)) || ack.Header.Get("Status") != "" {
			load.Fail("JetStream refused a message: %s %v", ack.Data, ack.Header)
		}
		number, err := strconv.Atoi(ack.Subject[len(prefix):])
		load.Must(err)
		client := &clients[number]
		recorder.Acknowledged(time.Now(), client.begun)
		client.publish(value)
	})
	load.Must(err)
	load.Must(subscription.SetPendingLimits(-1, -1))
	load.Must(connection.Flush())
}

func connect(endpoint string) *nats.Conn {
	deadline := time.Now().Add(20 * time.Second)
	for {
		connection, err := nats.Connect(endpoint, nats.DontRandomize(), nats.NoReconnect(),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
				load.Fail("NATS: %v", err)
			}))
		if err == nil {
			return connection
		}
		if time.Now().After(deadline) {
			load.Fail("cannot connect to %s: %v", endpoint, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// createStreams makes streams of three replicas, some at a time, and returns the servers that lead
// them.
func createStreams(connection *nats.Conn, count int) []string {
	context, err := connection.JetStream(nats.MaxWait(10 * time.Second))
	load.Must(err)
	leaders := make([]string, count)
	deadline := time.Now().Add(60 * time.Second)
	var creators sync.WaitGroup
	for creator := 0; creator < creatorCount; creator++ {
		creators.Add(1)
		go func(creator int) {
			defer creators.Done()
			for stream := creator; stream < count; stream += creatorCount {
				leaders[stream] = insistOnStream(context, stream, deadline)
			}
		}(creator)
	}
	creators.Wait()
	return leaders
}

// insistOnStream asks again: the cluster refuses until its servers have found each other.
func insistOnStream(context nats.JetStreamContext, stream int, deadline time.Time) string {
	for {
		leader, err := createStream(context, stream)
		if leader != "" {
			return leader
		}
		if time.Now().After(deadline) {
			load.Fail("cannot create stream %d: %v", stream, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func createStream(context nats.JetStreamContext, stream int) (string, error) {
	name := fmt.Sprintf("bench%d", stream)
	_, err := context.AddStream(&nats.StreamConfig{
		Name:     name,
		Subjects: []string{subjectOf(stream)},
		Storage:  nats.FileStorage,
		Replicas: 3,
	})
	if err != nil {
		return "", err
	}
	info, err := context.StreamInfo(name)
	if err != nil || info.Cluster == nil {
		return "", err
	}
	return info.Cluster.Leader, nil
}
