# needs: gdb gcc
# timeout: 180
gdb --version | head -1
