# needs: keyutils
cat > all.sh <<'END'
n='s/^ *[0-9]*//'
keyctl add user one 1 @s >/dev/null; keyctl add logon a:b c @s > /dev/null; k=$(keyctl newring ring @s); echo data | keyctl padd user two $k > /dev/null
keyctl show | sed "$n; s/[|\\_]//g; s/  */ /g" | sort; keyctl list @s | sed "$n" | sort; keyctl rlist @s | wc -w; keyctl print $(keyctl search @s user two); keyctl pipe %user:one; echo; keyctl read %user:one; keyctl describe %keyring:ring | sed "$n"
keyctl rdescribe %user:one; keyctl revoke %user:one; keyctl print %user:one; keyctl request user two | wc -l; keyctl request2 user debug:x info @s | wc -l; keyctl request2 user nothing info @s; keyctl print %user:debug:x
keyctl supports; keyctl setperm %user:two 0x3f3f0000; keyctl timeout %user:two 100; keyctl chown %user:two 5; keyctl chgrp %user:two 6; keyctl rdescribe %user:two; keyctl get_persistent @s 0 > /dev/null; keyctl unlink %user:two $k; keyctl clear @s
keyctl show | sed "$n"; keyctl id @s | wc -l; keyctl security @s; keyctl invalidate @s; keyctl show; keyctl new_session | wc -l; keyctl purge user
END
keyctl session - sh all.sh 2>&1 | sed 's/keyring: [0-9][0-9]*/keyring: N/'
stat -c '%n %a' /proc/keys /proc/key-users /proc/sys/kernel/keys/*
