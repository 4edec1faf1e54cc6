# One timed piece of input and output on a file; prints its rate. Used by the bench's section fs.
#
#   io.pl randread FILE SECONDS JOBS     4 KiB reads a second, all jobs together
#   io.pl seqread FILE                   MiB a second
#   io.pl randwrite FILE BYTES           4 KiB writes a second, closing fsync counted
#   io.pl seqwrite FILE BYTES            MiB a second, closing fsync counted
#   io.pl firstwrite FILE                milliseconds for open, one 4 KiB write in the middle, fsync, close
use strict;
use warnings;
use Fcntl;
use IO::Handle;
use Time::HiRes qw(time);

my ($what, $file, @rest) = @ARGV;
my $page = 4096;

sub opened { my ($flags) = @_; sysopen(my $f, $file, $flags, 0644) or die "$file: $!\n"; return $f }

if ($what eq 'randread') {
  my ($seconds, $jobs) = @rest;
  my $pages = int((-s $file) / $page);
  pipe(my $in, my $out);
  for my $job (1 .. $jobs) {
    next if fork;
    srand(4711 + $job);
    my $f = opened(O_RDONLY);
    my ($n, $buffer, $begin) = (0, '', time);
    while ($n % 16 || time - $begin < $seconds) {
      sysseek($f, $page * int(rand $pages), 0);
      sysread($f, $buffer, $page) == $page or die "$file: short read\n";
      $n++;
    }
    syswrite $out, sprintf("%.1f\n", $n / (time - $begin));
    exit 0;
  }
  close $out;
  my $rate = 0;
  $rate += $_ while <$in>;
  printf "%.1f\n", $rate;
} elsif ($what eq 'seqread') {
  my $begin = time;
  my $f = opened(O_RDONLY);
  my ($bytes, $buffer) = (0, '');
  while (my $n = sysread($f, $buffer, 1 << 20)) { $bytes += $n }
  printf "%.1f\n", $bytes / 1048576 / (time - $begin);
} elsif ($what eq 'randwrite') {
  my ($bytes) = @rest;
  my $pages = int((-s $file) / $page);
  srand(4712);
  my $n = int($bytes / $page);
  my $data = join '', map { chr int rand 256 } 1 .. $page;
  my $begin = time;
  my $f = opened(O_WRONLY);
  for (1 .. $n) {
    sysseek($f, $page * int(rand $pages), 0);
    syswrite($f, $data) == $page or die "$file: $!\n";
  }
  $f->sync or die "$file: fsync: $!\n";
  close $f;
  printf "%.1f\n", $n / (time - $begin);
} elsif ($what eq 'seqwrite') {
  my ($bytes) = @rest;
  srand(4713);
  my $data = join '', map { pack 'L', int rand 2**32 } 1 .. 1 << 18;
  my $begin = time;
  my $f = opened(O_WRONLY | O_CREAT | O_TRUNC);
  for (my $done = 0; $done < $bytes; $done += length $data) {
    substr($data, 0, 8) = pack 'Q', $done;
    syswrite($f, $data) == length $data or die "$file: $!\n";
  }
  $f->sync or die "$file: fsync: $!\n";
  close $f;
  printf "%.1f\n", $bytes / 1048576 / (time - $begin);
} elsif ($what eq 'firstwrite') {
  my $begin = time;
  my $f = opened(O_WRONLY);
  sysseek($f, $page * int((-s $file) / $page / 2), 0);
  syswrite($f, 'x' x $page) == $page or die "$file: $!\n";
  $f->sync or die "$file: fsync: $!\n";
  close $f;
  printf "%.2f\n", 1000 * (time - $begin);
} else {
  die "unknown piece of work: $what\n";
}
