package main

/*
#cgo pkg-config: levada
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

const forEver = -1

type levadaError struct {
	status    C.levada_status
	retriable bool
	message   string
}

func (e *levadaError) Error() string { return e.message }

// The error of a call, copied and freed. Its place is given, not what is there: Go might look before the call.
func failure(status C.levada_status, place **C.levada_error) error {
	if status == C.LEVADA_OK {
		return nil
	}
	defer C.levada_error_free(*place)
	return &levadaError{
		status:    C.levada_error_status(*place),
		retriable: bool(C.levada_error_is_retriable(*place)),
		message:   C.GoString(C.levada_error_message(*place)),
	}
}

func must(status C.levada_status, place **C.levada_error) {
	if err := failure(status, place); err != nil {
		panic(err)
	}
}

func check(holds bool, otherwise string) {
	if !holds {
		panic(otherwise)
	}
}

// Texts as C takes several: an array that NULL closes, and how to free what is in it.
func texts(given ...string) (**C.char, func()) {
	list := make([]*C.char, len(given)+1)
	for at, text := range given {
		list[at] = C.CString(text)
	}
	return &list[0], func() {
		for _, text := range list {
			C.free(unsafe.Pointer(text))
		}
	}
}

// The bytes of a text as C takes them: where they are, and how many. The library copies them within the call.
func bytes(text string) (unsafe.Pointer, C.size_t) {
	return unsafe.Pointer(unsafe.StringData(text)), C.size_t(len(text))
}

type outcome struct{ tag, offset int64 }

// What the delivery callback was told, on whichever thread: user data is the handle of a channel.
//
//export delivered
func delivered(userData, tag C.uintptr_t, offset C.int64_t) {
	cgo.Handle(userData).Value().(chan outcome) <- outcome{int64(tag), int64(offset)}
}
