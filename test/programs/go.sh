# needs: golang-go
# prepare: CGO_ENABLED=0 GO111MODULE=off /usr/bin/go build -o program $SOURCES/go/program.go
# timeout: 300
# A static Go program: its own threads, stacks, signal handlers, timers and garbage collector.
"$PREPARED/program"; echo "status $?"
"$PREPARED/program" panic 2>&1 | grep -v '^\s\|^goroutine\|^main\.'; echo "status ${PIPESTATUS[0]}"
