// Levada from Go, through cgo and the C ABI: writes records, reads them back, prints what they come to.
package main

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/cgo"
	"strconv"
	"strings"
	"unsafe"
)

const records = 1000

var readings, nowhere, source = C.CString("readings"), C.CString("nowhere"), C.CString("source")

func write(database *C.levada_database) {
	var e *C.levada_error
	var producer *C.levada_producer
	must(C.levada_producer_new(database, nil, &producer, &e), &e)
	defer C.levada_producer_free(producer)
	var writer *C.levada_writer
	must(C.levada_writer_new(producer, readings, &writer, &e), &e)
	defer C.levada_writer_free(writer)
	for at := 1; at < records; at++ {
		key, keySize := bytes("sensor-" + strconv.Itoa(at%10))
		value, valueSize := bytes(strconv.Itoa(at))
		must(C.levada_writer_send(writer, C.LEVADA_PARTITION_ANY, key, keySize, value, valueSize, &e), &e)
	}
	// The last one says where it came from, and its tag comes back with what became of it.
	var headers *C.levada_headers
	must(C.levada_headers_new(&headers, &e), &e)
	defer C.levada_headers_free(headers)
	name, nameSize := bytes("go")
	must(C.levada_headers_add(headers, source, name, nameSize, &e), &e)
	key, keySize := bytes("sensor-0")
	value, valueSize := bytes(strconv.Itoa(records))
	must(C.send_tagged(writer, headers, key, keySize, value, valueSize, 42, &e), &e)
	must(C.levada_producer_flush(producer, forEver, &e), &e)

	var reports *C.levada_reports
	must(C.levada_producer_poll(producer, forEver, &reports, &e), &e)
	defer C.levada_reports_free(reports)
	check(C.levada_reports_count(reports) == 1 && C.tag_of(reports, 0) == 42, "another report")
	check(C.levada_reports_offset(reports, 0) >= 0, "the record was not delivered")

	var none *C.levada_writer
	failed := failure(C.levada_writer_new(producer, nowhere, &none, &e), &e).(*levadaError)
	check(failed.status == C.LEVADA_NOT_FOUND && !failed.retriable, "another error")
	check(strings.Contains(failed.message, "nowhere"), failed.message)
	must(C.levada_producer_close(producer, forEver, &e), &e)
}

func read(database *C.levada_database) (count, sum int) {
	var e *C.levada_error
	options, freeOptions := texts("group.id", "totals", "auto.offset.reset", "earliest", "enable.auto.commit", "false")
	defer freeOptions()
	var consumer *C.levada_consumer
	must(C.levada_consumer_new(database, options, &consumer, &e), &e)
	defer C.levada_consumer_free(consumer)
	must(C.levada_consumer_subscribe(consumer, &[]*C.char{readings, nil}[0], &e), &e)
	headers := 0
	for count < records {
		var batch *C.levada_batch
		must(C.levada_consumer_poll(consumer, 0, forEver, &batch, &e), &e)
		n := int(C.levada_batch_count(batch))
		values := unsafe.Slice(C.levada_batch_values(batch), n)
		sizes := unsafe.Slice(C.levada_batch_value_sizes(batch), n)
		for at, value := range values {
			// In place: the text lies in the library's memory, until the batch is freed.
			number, err := strconv.Atoi(unsafe.String((*byte)(value), int(sizes[at])))
			check(err == nil, "not a number")
			sum += number
			headers += int(C.levada_batch_header_count(batch, C.size_t(at)))
		}
		count += n
		C.levada_batch_free(batch)
	}
	check(headers == 1, "another number of headers")
	must(C.levada_consumer_commit(consumer, nil, &e), &e)
	var first, second C.int64_t
	must(C.levada_consumer_committed(consumer, readings, 0, &first, &e), &e)
	must(C.levada_consumer_committed(consumer, readings, 1, &second, &e), &e)
	check(first+second == records, "not all was committed")
	must(C.levada_consumer_close(consumer, &e), &e)
	return count, sum
}

// The library calls back on a thread of its own.
func hear(database *C.levada_database) {
	var e *C.levada_error
	var producer *C.levada_producer
	must(C.levada_producer_new(database, nil, &producer, &e), &e)
	defer C.levada_producer_free(producer)
	outcomes := make(chan outcome, 1)
	handle := cgo.NewHandle(outcomes)
	defer handle.Delete()
	must(C.on_delivery(producer, C.uintptr_t(handle), &e), &e)
	var writer *C.levada_writer
	must(C.levada_writer_new(producer, readings, &writer, &e), &e)
	defer C.levada_writer_free(writer)
	value, size := bytes("0")
	must(C.send_tagged(writer, nil, nil, 0, value, size, 7, &e), &e)
	must(C.levada_producer_flush(producer, forEver, &e), &e)
	heard := <-outcomes
	check(heard.tag == 7 && heard.offset >= 0, "another outcome")
	must(C.levada_producer_close(producer, forEver, &e), &e)
}

func main() {
	var e *C.levada_error
	path := C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(path))
	var database *C.levada_database
	must(C.levada_database_open(path, nil, &database, &e), &e)
	must(C.levada_topic_create(database, readings, 2, nil, &e), &e)
	write(database)
	count, sum := read(database)
	hear(database)
	must(C.levada_database_close(database, &e), &e)
	C.levada_database_free(database)
	check(C.levada_handle_count() == 0, "a handle was not freed")
	fmt.Printf("{\"language\": \"Go\", \"records\": %d, \"sum\": %d}\n", count, sum)
}
