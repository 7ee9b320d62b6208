# needs: sqlite3
# timeout: 90
sqlite3 t.db 'create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) insert into t select i, printf("%x", i * 7919) from n; create index x on t(b);'
sqlite3 t.db 'pragma journal_mode=wal; begin; update t set b = b || "z" where a % 3 = 0; commit; select count(*), max(b), sum(a) from t; pragma integrity_check; delete from t where a > 10; vacuum; select group_concat(b) from t;'
sqlite3 -csv t.db 'select * from t limit 3'; sqlite3 t.db .dump | md5sum; ls
