// Package wire is what the Go client programs share: the command protocol described in tests/compat/harness.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Header is a JSON array of a name and a value in base64.
type Header struct {
	Key   string
	Value []byte
}

func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.Key, h.Value}) }

func (h *Header) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&h.Key, &h.Value})
}

// Record is nil where the JSON says null: encoding/json keeps nil and empty byte slices apart.
type Record struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

type Batch struct {
	Name       string `json:"name"`
	Topic      string `json:"topic"`
	Codec      string `json:"codec"`
	Idempotent bool   `json:"idempotent"`
}

type Place struct {
	Topic string `json:"topic"`
	Count int    `json:"count"`
}

type Request struct {
	Topic     string  `json:"topic"`
	Records   string  `json:"records"`
	Batches   []Batch `json:"batches"`
	Topics    []Place `json:"topics"`
	Isolation string  `json:"isolation"`
	Group     string  `json:"group"`
	Protocol  string  `json:"protocol"`
	Session   int     `json:"session_ms"`
	Heartbeat int     `json:"heartbeat_ms"`
	ID        string  `json:"id"`
}

// ErrNotOffered is what a step ends with where the client has no such call.
var ErrNotOffered = errors.New("not offered")

func Emit(line any) {
	text, err := json.Marshal(line)
	Must(err)
	fmt.Println(string(text))
}

func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func Outcome(name string, err error) bool {
	switch {
	case err == nil:
		Emit(map[string]any{"step": name, "ok": true})
	case errors.Is(err, ErrNotOffered):
		Emit(map[string]any{"step": name, "offered": false})
	default:
		Emit(map[string]any{"step": name, "ok": false, "error": err.Error()})
	}
	return err == nil
}

// Until asks again until it holds: what a broker acknowledged may take a moment to be seen.
func Until[T comparable](want T, ask func() (T, error)) error {
	end := time.Now().Add(10 * time.Second)
	for {
		got, err := ask()
		if err == nil && got == want {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%v is not %v: %w", got, want, errors.Join(err))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (r Request) Wanted() []Record {
	var wanted []Record
	data, err := os.ReadFile(r.Records)
	Must(err)
	Must(json.Unmarshal(data, &wanted))
	return wanted
}

func Main(commands map[string]func(string, Request)) {
	data, err := os.ReadFile(os.Args[3])
	Must(err)
	var request Request
	Must(json.Unmarshal(data, &request))
	commands[os.Args[2]](os.Args[1], request)
}
