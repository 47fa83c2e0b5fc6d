module levada/examples/ffi

go 1.21
