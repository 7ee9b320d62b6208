# needs: git
# timeout: 180
export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b HOME=$PWD
git init -q -b main r; cd r; for i in 1 2 3; do seq $i 200 > f$i; git add .; git commit -q -m "commit $i"; done
git log --format='%h %s'; git checkout -q -b topic HEAD~1; echo t > t; git add t; git commit -qm topic; git checkout -q main; git merge -q topic -m merge; git log --graph --oneline | cat
git diff HEAD~1 --stat | cat; git gc -q; git fsck 2>&1 | head -3; cd ..; git clone -q r c; cd c; git status -sb; git rev-parse HEAD; git stash list; git grep -n 199 | head -2; git tag -a v1 -m v1; git describe; git blame -s f1 | head -2
