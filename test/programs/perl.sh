# needs: perl
perl -e 'my %h = map {$_ => $_ ** 2} 1..5; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n"; printf "%.10f %s\n", atan2(1,1)*4, join "", reverse 1..5'
perl -ne 'print if /root|daemon/' /etc/passwd; perl -pe 's/(\w+)/\u$1/g' <<< 'hello big world'
perl -MPOSIX -MData::Dumper -MList::Util=sum -e '$Data::Dumper::Sortkeys = 1; print Dumper({a => [1, {b => undef}]}), sum(1..10), strftime("%F", gmtime 0), "\n"'
perl -e 'if (my $p = fork) {waitpid $p, 0; print "child ", $? >> 8, "\n"} else {exit 4} $SIG{ALRM} = sub {print "alarm\n"}; alarm 1; select undef, undef, undef, 3; my $o = `echo sub`; print $o'
perl -e 'use strict; my $s = "ab" x 50000; my $n = () = $s =~ /b(?=a)/g; print "$n\n"; my @a = sort {$a <=> $b} map {($_ * 7919) % 1000} 1..1000; print "@a[0..4]\n"; open my $f, ">", "x"; print $f "l$_\n" for 1..3; close $f; open $f, "x"; print scalar(() = <$f>), "\n"'
