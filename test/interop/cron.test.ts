/** A real cron, that of Debian, in a machine of its own, on whose clock the next minute is near. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { execFileSync } from '../support/bounded.js'
import { CleanMachine, describeOnMachine } from '../support/clean-machine.js'

/** Puts what comes as mail into a file. */
const SENDMAIL = '#!/bin/sh\\ncat >>/tmp/mail\\n'
/** Fails as the real one does without a host certificate. */
const PROGRAM =
  '#!/bin/sh\\necho "$* $(id -un)" >>/tmp/called\\ncase $* in *check*) exit 0;; esac\\n' +
  'echo "vobox-proxy: hostcert.pem is not there" >&2\\nexit 1\\n'

/** What the clock of cron lacks to 55 seconds past the minute. */
const secondsAhead = () => (115 - (Math.floor(Date.now() / 1000) % 60)) % 60

describeOnMachine('the file for cron', ['cron', 'gcc', 'perl'], () => {
  let machine: CleanMachine

  beforeAll(async () => {
    machine = await CleanMachine.make()
    const words = [
      'setup',
      '--vo=a.b',
      '--admin=daemon',
      '--sysv',
      `--prefix=${machine.shared}/root`,
    ]
    execFileSync('bin/vobox-proxy', words, { stdio: ['ignore', 'ignore', 'inherit'] })
    const clock = ['-shared', '-fPIC', '-o', `${machine.shared}/clock.so`]
    execFileSync('gcc', [...clock, 'test/support/near-minute.c'])
    machine.ok(`cp -a /mnt/root/etc/. /etc/
      printf '${SENDMAIL}' >/usr/sbin/sendmail && chmod 755 /usr/sbin/sendmail
      printf '${PROGRAM}' >/usr/bin/vobox-proxy && chmod 755 /usr/bin/vobox-proxy
      ln -sf vobox-proxy /usr/bin/vobox-renewd
      sed -i "s#'/[^']*/bin/vobox#'/usr/bin/vobox#" /etc/vobox-proxy/vo/a.b.sh
      find /etc/cron.d -type f ! -name 'a_b*' -delete; rm -f /etc/crontab`)
  })
  afterAll(() => machine?.end())

  it('has a name that cron reads, though the VO has a dot in it, and one minute for every line', () => {
    expect(machine.ok('ls /etc/cron.d')).toBe('a_b-box-proxyrenewal\n')
    const lines = machine.ok('grep " root " /etc/cron.d/*').trim().split('\n')
    const [proxy, check] = lines.map((line) => line.split(' '))
    expect(proxy?.slice(1, 6)).toEqual(['*/6', '*', '*', '*', 'root'])
    expect(check?.slice(1, 6)).toEqual(['7', '*', '*', '*', 'root'])
    expect(Number(proxy?.[0])).toBeLessThan(60)
    expect(check?.[0]).toBe(proxy?.[0])
  })

  it('runs as root; what fails is in root’s mail and in the system’s log', () => {
    // Every minute instead of every six hours, with the program at its usual place.
    machine.ok(`sed -i -E 's#^[0-9]+ [^ ]+ #* * #; s#/[^ ]*/bin/vobox-proxy#/usr/bin/vobox-proxy#g' \\
      /etc/cron.d/a_b-box-proxyrenewal && chmod 644 /etc/cron.d/*
      perl -MIO::Socket::UNIX -e 'unlink "/run/log"; my $s = IO::Socket::UNIX->new(
        Type => SOCK_DGRAM, Local => "/run/log") or die; open my $f, ">>", "/tmp/log"; $f->autoflush;
        while (defined $s->recv(my $m, 4096)) { print $f "$m\\n" }' >/dev/null 2>&1 </dev/null &
      timeout 5 sh -c 'until [ -S /run/log ]; do sleep 0.1; done'
      mount -t tmpfs none /dev && ln -s /run/log /dev/log && mknod -m 666 /dev/null c 1 3
      LD_PRELOAD=/mnt/clock.so CLOCK_AHEAD=${secondsAhead()} /usr/sbin/cron -f >/dev/null 2>&1 </dev/null & `)
    machine.ok('timeout 100 sh -c "until grep -q hostcert /tmp/mail; do sleep 0.5; done"')
    const mail = machine.ok('cat /tmp/mail')
    expect(mail).toMatch(/^To: root$/m)
    expect(mail).toMatch(/^Subject: Cron <root@.*a\.b-box-proxyrenewal proxy/m)
    expect(mail).toMatch(/^vobox-proxy: hostcert\.pem is not there$/m)
    expect(mail.match(/^To: /gm)).toHaveLength(1)
    expect(machine.ok('cat /tmp/log')).toMatch(
      /a\.b-box-proxyrenewal: no machine proxy: vobox-proxy: hostcert\.pem is not there/,
    )
    const called = machine.ok('cat /tmp/called').trim().split('\n').sort()
    expect(called).toEqual([
      '--vo a.b --owner daemon machine-proxy root',
      '--vo a.b check --quiet root',
    ])
  })
})
