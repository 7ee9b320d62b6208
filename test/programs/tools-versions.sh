# needs: gdb vim-tiny
for c in 'bash --version' 'git --version' 'make --version' 'perl -e print$]' 'vim.tiny --version'; do $c 2>&1 | head -1; done
