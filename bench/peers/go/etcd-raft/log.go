package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"syscall"

	"go.etcd.io/etcd/raft/raftpb"

	"peers/load"
)

const (
	// logBytes is filled with zeroes before the run and then written round and round, as if segments
	// were recycled: the file system never has to extend the file, nor to note it in its journal.
	logBytes    = 256 << 20
	zeroesBytes = 1 << 20
	headerBytes = 8
	recordBytes = 9
)

const (
	recordEntry = iota
	recordHardState
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeAheadLog is one file for all groups. What a turn appends is one batch: its length, its
// CRC-32C and its records, written at once.
type writeAheadLog struct {
	file   *os.File
	offset int64
	batch  []byte
}

// record is what raftpb's types have in common.
type record interface {
	Size() int
	MarshalTo([]byte) (int, error)
}

func createLog(path string) *writeAheadLog {
	file, err := os.Create(path)
	load.Must(err)
	zeroes := make([]byte, zeroesBytes)
	for written := 0; written < logBytes; written += zeroesBytes {
		_, err := file.Write(zeroes)
		load.Must(err)
	}
	load.Must(file.Sync())
	return &writeAheadLog{file: file, batch: make([]byte, headerBytes)}
}

func (l *writeAheadLog) addEntry(group uint32, entry *raftpb.Entry) {
	l.add(group, recordEntry, entry)
}

func (l *writeAheadLog) addHardState(group uint32, state *raftpb.HardState) {
	l.add(group, recordHardState, state)
}

func (l *writeAheadLog) add(group uint32, kind byte, content record) {
	size := content.Size()
	l.batch = binary.LittleEndian.AppendUint32(l.batch, group)
	l.batch = append(l.batch, kind)
	l.batch = binary.LittleEndian.AppendUint32(l.batch, uint32(size))
	l.batch = appendRecord(l.batch, content, size)
}

// sync makes what was added durable.
func (l *writeAheadLog) sync() {
	if len(l.batch) == headerBytes {
		return
	}
	binary.LittleEndian.PutUint32(l.batch, uint32(len(l.batch)))
	binary.LittleEndian.PutUint32(l.batch[4:], crc32.Checksum(l.batch[headerBytes:], castagnoli))
	if l.offset+int64(len(l.batch)) > logBytes {
		l.offset = 0
	}
	_, err := l.file.WriteAt(l.batch, l.offset)
	load.Must(err)
	load.Must(syscall.Fdatasync(int(l.file.Fd())))
	l.offset += int64(len(l.batch))
	l.batch = l.batch[:headerBytes]
}

// appendRecord marshals in place.
func appendRecord(buffer []byte, content record, size int) []byte {
	from := len(buffer)
	if cap(buffer)-from < size {
		grown := make([]byte, from, 2*cap(buffer)+size)
		copy(grown, buffer)
		buffer = grown
	}
	buffer = buffer[:from+size]
	_, err := content.MarshalTo(buffer[from:])
	load.Must(err)
	return buffer
}
