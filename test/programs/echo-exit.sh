# The smallest things a shell does: output, exit status, arguments.
echo "hello from $0" | sed 's/.*programs/programs/'
printf '%s|' one 'two three' "$((6 * 7))"; echo
(exit 7); echo "status $?"
true && false || echo or
exit 5
