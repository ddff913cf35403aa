/**
 * The units of systemd as systemd-analyze reads them, with the files that `setup` writes beside them. No
 * systemd runs here: booted-systemd.test.ts has one, and what the service tells it is in
 * renewd-systemd.test.ts.
 */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { execFileSync } from '../support/bounded.js'
import { CleanMachine, describeOnMachine } from '../support/clean-machine.js'

const SERVICES = ['renewd', 'machine-proxy', 'check', 'request'] as const
const SERVER = 'vobox-myproxy-server.service'
const PLAIN = 'alice-box-proxyrenewal.service'

describeOnMachine('the units of systemd', ['systemd-analyze', 'systemctl'], () => {
  let machine: CleanMachine
  let said: string

  beforeAll(async () => {
    machine = await CleanMachine.make()
    // What a unit names must be there.
    for (const name of ['proxy', 'renewd']) machine.ok(`ln -s /bin/true /usr/bin/vobox-${name}`)
    execFileSync(
      'bin/vobox-proxy',
      [
        ...['setup', '--vo=alice', '--admin=daemon', '--systemd', '--jobs'],
        `--prefix=${machine.shared}/root`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
    )
    said = machine.ok('cp -a /mnt/root/etc/. /etc/ && ls /etc/systemd/system')
    // As the package has them: this checkout may lie where the machine has nothing.
    machine.ok(`grep -rl '${process.cwd()}/bin/' /etc/systemd/system /etc/vobox-proxy |
      xargs -r sed -i 's#${process.cwd()}/bin/#/usr/bin/#g'`)
    // `setup` writes a plain unit instead; the template is for who wants none of `setup`.
    copyFileSync('systemd/vobox-renewd@.service', join(machine.shared, 'renewd.service'))
    machine.ok('cp /mnt/renewd.service /etc/systemd/system/vobox-renewd@.service')
    // No VO has one, so that `setup` leaves it alone.
    copyFileSync(`systemd/${SERVER}`, join(machine.shared, SERVER))
    machine.ok(`cp /mnt/${SERVER} /etc/systemd/system/`)
  })
  afterAll(() => machine?.end())

  it('have a drop-in of --jobs by which the service sees the real /tmp, and nothing else opens', () => {
    const show = machine.ok(`cat /etc/systemd/system/${PLAIN}.d/vobox-jobs.conf`)
    expect(show).toContain('\nPrivateTmp=no\nReadWritePaths=/tmp\n')
    const unit = machine.ok(`cat /etc/systemd/system/${PLAIN}`)
    expect(unit).toContain('\nProtectSystem=strict\n')
    expect(unit).toContain('\nPrivateTmp=yes\n')
  })

  it('are written, the service’s as a plain unit, and enabled', () => {
    for (const unit of readdirSync('systemd').filter(
      (name) => /@/.test(name) && !/renewd/.test(name),
    )) {
      expect(said.split('\n')).toContain(unit)
    }
    expect(machine.ok('ls /etc/systemd/system/multi-user.target.wants')).toContain(PLAIN)
    expect(machine.ok('ls /etc/systemd/system/timers.target.wants').trim().split('\n')).toEqual(
      expect.arrayContaining(['vobox-check@alice.timer', 'vobox-machine-proxy@alice.timer']),
    )
    expect(machine.ok('ls /etc/systemd/system/paths.target.wants')).toContain(
      'vobox-request@alice.path',
    )
  })

  it.each([
    PLAIN,
    SERVER,
    'vobox-renewd@alice.service',
    'vobox-agents@alice.service',
    'vobox-check@alice.service',
    'vobox-check@alice.timer',
    'vobox-machine-proxy@alice.service',
    'vobox-machine-proxy@alice.timer',
    'vobox-request@alice.service',
    'vobox-request@alice.path',
  ])('%s is verified without a word', (unit) => {
    const { status, stdout, stderr } = machine.sh(`systemd-analyze verify --man=no ${unit}`)
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => /vobox|alice/.test(line))
    expect(ours).toEqual([])
    expect(status).toBe(0)
  })

  it.each([...SERVICES.map((name) => `vobox-${name}@.service`), PLAIN, SERVER])(
    '%s is exposed below 3',
    (unit) => {
      const words = `systemd-analyze security --no-pager --offline=true --threshold=29 ${unit}`
      const { status, stdout } = machine.sh(`cd /etc/systemd/system && ${words}`)
      expect(Number(/exposure level for .*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(3)
      expect(status).toBe(0)
    },
  )

  it('the file of requests is the VO admin’s, in a directory of root’s', () => {
    machine.ok('systemd-tmpfiles --create /etc/tmpfiles.d/vobox-proxy-alice.conf')
    const facts = machine.ok('stat -c "%U %a" /run/vobox-proxy /run/vobox-proxy/alice.request')
    expect(facts).toBe('root 755\ndaemon 644\n')
  })

  it('no unit is made of the init script beside ours, and one where ours is missing', () => {
    const generate = (unit: string) =>
      machine.ok(`rm -rf /tmp/g && mkdir -p /tmp/g && ${unit}
        /usr/lib/systemd/system-generators/systemd-sysv-generator /tmp/g /tmp/g /tmp/g
        find /tmp/g -name 'alice*'`)
    expect(generate('')).toBe('')
    const made = generate(`mv /etc/systemd/system/${PLAIN} /tmp/`)
    expect(made).toContain(`/tmp/g/${PLAIN}\n`)
    machine.ok(`mv /tmp/${PLAIN} /etc/systemd/system/`)
  })

  it('the init script asks systemd for the unit, as root by systemctl, as the VO admin by a word', () => {
    const script = '/etc/init.d/alice-box-proxyrenewal'
    machine.ok(`mkdir -p /run/systemd/system /var/lib/vobox/alice && chown daemon /var/lib/vobox/alice
      ln -sf /bin/true /usr/bin/vobox-renewd
      sed -i "s#'/[^']*/bin/vobox#'/usr/bin/vobox#" /etc/vobox-proxy/vo/alice.sh
      printf '#!/bin/sh\\necho "$*" >>/tmp/asked\\nexit 1\\n' >/usr/bin/systemctl.new
      chmod 755 /usr/bin/systemctl.new && mv /usr/bin/systemctl.new /usr/bin/systemctl`)
    expect(machine.sh(`${script} start`).status).toBe(1)
    expect(machine.ok('cat /tmp/asked')).toBe(`start ${PLAIN}\n`)
    const asAdmin = 'setpriv --reuid=daemon --regid=daemon --init-groups'
    const answer = machine.sh(`${asAdmin} ${script} start`)
    expect(answer.stderr).toContain('did not start within 10 seconds; see journalctl -u')
    expect(machine.ok('cat /run/vobox-proxy/alice.request')).toBe('start\n')
    expect(machine.ok('cat /tmp/asked')).toBe(`start ${PLAIN}\n`)
  })

  it('does what the word says, and nothing for any other', () => {
    const unit = readFileSync('systemd/vobox-request@.service', 'utf8')
    const [, quoted = ''] = /^ExecStart=\/bin\/sh -c '([^']+)' %i$/m.exec(unit) ?? []
    const script = quoted.replaceAll('$$', '$')
    const asked = (word: string) => {
      machine.ok(`: >/tmp/asked; echo '${word}' >/run/vobox-proxy/alice.request`)
      machine.sh(`sh -c '${script}' alice </run/vobox-proxy/alice.request`)
      return machine.ok('cat /tmp/asked')
    }
    expect(asked('start')).toBe(`--no-block start ${PLAIN}\n`)
    expect(asked('stop')).toBe(`--no-block stop vobox-agents@alice.service ${PLAIN}\n`)
    expect(asked('start; reboot')).toBe('')
    expect(asked('restart')).toBe('')
  })
})
