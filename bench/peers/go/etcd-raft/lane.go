package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"

	"go.etcd.io/etcd/raft/raftpb"

	"peers/load"
)

const readBufferBytes = 256 << 10

// lane is the connection on which this member speaks to another one; what that one says comes on
// the lane that it dialled. A frame is its length and then messages, each with group and length.
type lane struct {
	connection net.Conn
	frame      []byte
}

func dialAll(peers []string, self uint64) map[uint64]*lane {
	lanes := map[uint64]*lane{}
	for index, address := range peers {
		if id := uint64(index + 1); id != self {
			connection, err := net.Dial("tcp", address)
			load.Must(err)
			lanes[id] = &lane{connection: connection, frame: make([]byte, 4)}
		}
	}
	return lanes
}

func (l *lane) add(group uint32, message *raftpb.Message) {
	size := message.Size()
	l.frame = binary.LittleEndian.AppendUint32(l.frame, group)
	l.frame = binary.LittleEndian.AppendUint32(l.frame, uint32(size))
	l.frame = appendRecord(l.frame, message, size)
}

func (l *lane) flush() {
	if len(l.frame) == 4 {
		return
	}
	binary.LittleEndian.PutUint32(l.frame, uint32(len(l.frame)-4))
	_, err := l.connection.Write(l.frame)
	load.Must(err)
	l.frame = l.frame[:4]
}

func accept(listener net.Listener, mail *mailbox) {
	for {
		connection, err := listener.Accept()
		load.Must(err)
		go receive(bufio.NewReaderSize(connection, readBufferBytes), mail)
	}
}

// receive decodes beside the loop, which gets whole frames.
func receive(reader io.Reader, mail *mailbox) {
	var length [4]byte
	var frame []byte
	var deliveries []delivery
	for {
		_, err := io.ReadFull(reader, length[:])
		load.Must(err)
		size := int(binary.LittleEndian.Uint32(length[:]))
		if cap(frame) < size {
			frame = make([]byte, 2*size)
		}
		frame = frame[:size]
		_, err = io.ReadFull(reader, frame)
		load.Must(err)
		deliveries = decode(frame, deliveries[:0])
		mail.putMessages(deliveries)
	}
}

func decode(frame []byte, deliveries []delivery) []delivery {
	for len(frame) > 0 {
		group := binary.LittleEndian.Uint32(frame)
		end := 8 + int(binary.LittleEndian.Uint32(frame[4:]))
		deliveries = append(deliveries, delivery{group: group})
		load.Must(deliveries[len(deliveries)-1].message.Unmarshal(frame[8:end]))
		frame = frame[end:]
	}
	return deliveries
}
