# needs: tmux
# timeout: 120
export TMUX_TMPDIR=$PWD LC_ALL=C.UTF-8; tmux -f /dev/null new-session -d -x 80 -y 24 'sh'; sleep 0.5; tmux send-keys 'echo in-$((40+2))' Enter; sleep 1; tmux capture-pane -p | grep -c '^in-42'; tmux split-window; sleep 0.3; tmux list-panes | wc -l; tmux kill-server; echo $?
