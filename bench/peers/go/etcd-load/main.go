// Etcd-load puts keys into etcd in a closed loop: each client waits for its put's answer.
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"peers/load"
)

func main() {
	endpoints := flag.String("endpoints", "", "client URLs of all members, with commas")
	pids := flag.String("pids", "", "processes whose CPU time counts, with commas")
	valueBytes := flag.Int("value-bytes", 16, "size of a value")
	connections := flag.Int("connections", 1, "connections that the clients share")
	flag.Parse()
	orders := load.TakeOrders()

	leader := leaderOf(strings.Split(*endpoints, ","))
	var clients []*clientv3.Client
	for len(clients) < *connections {
		clients = append(clients, connect(leader))
	}
	load.SayLeads(1)

	work := orders.Run()
	recorder := load.Measure(work, load.Numbers(*pids))
	value := string(make([]byte, *valueBytes))
	for number := 0; number < work.Outstanding; number++ {
		go put(clients[number%len(clients)], fmt.Sprintf("c%d", number), value, recorder)
	}
	orders.WaitForEnd()
}

func put(client *clientv3.Client, key, value string, recorder *load.Recorder) {
	begun := time.Now()
	for {
		_, err := client.Put(context.Background(), key, value)
		load.Must(err)
		now := time.Now()
		recorder.Acknowledged(now, begun)
		begun = now
	}
}

func connect(endpoint string) *clientv3.Client {
	quiet := zap.NewProductionConfig()
	quiet.Level = zap.NewAtomicLevelAt(zap.ErrorLevel)
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{endpoint},
		DialTimeout: 5 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithBlock()},
		LogConfig:   &quiet,
	})
	load.Must(err)
	return client
}

// leaderOf waits until the members have a leader, and returns its endpoint: a follower would only
// pass every put on.
func leaderOf(endpoints []string) string {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		for _, endpoint := range endpoints {
			client := connect(endpoint)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			status, err := client.Status(ctx, endpoint)
			cancel()
			client.Close()
			if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
				return endpoint
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	load.Fail("etcd has no leader")
	return ""
}
