/**
 * The Debian package on a machine that systemd has booted: the units as systemd runs them, the VO admin's
 * `start`, agents in scopes of their own, hooks, and a reboot; renewals from a real MyProxy server.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BootedMachine, describeOnBootedMachine } from '../support/booted-machine.js'
import { asAdmin, DPKG, makeVoBox } from '../support/booted-vo-box.js'
import { NO_KEYS_IN_STOCK } from '../support/clean-machine.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const SCRIPT = '/etc/init.d/alice-box-proxyrenewal'
const UNIT = 'alice-box-proxyrenewal.service'
const VO = '/var/lib/vobox/alice'

describeOnBootedMachine('under a systemd that runs', ['dpkg-deb', ...MYPROXY_PROGRAMS], () => {
  let machine: BootedMachine
  let grid: RealGrid
  const show = (property: string, unit = UNIT) =>
    machine.ok(`systemctl show -P ${property} ${unit}`).trim()
  const journal = (words: string) => machine.ok(`journalctl -b --no-pager -o cat ${words}`)
  const events = (name: string) =>
    machine.sh(`grep -cE ' ${name}( |$)' ${VO}/log/events.log`).stdout

  beforeAll(async () => {
    machine = await BootedMachine.boot()
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    const { trustDirectory, hosts, users } = grid
    makeVoBox(machine, { trustDirectory, host: hosts.vobox, user: users.alice.credential })
  })
  afterAll(async () => {
    await grid?.stop()
    await machine?.end()
  })

  it('setup enables and starts a unit that says itself when it is ready', () => {
    const said = machine.ok('vobox-proxy setup --vo alice --admin daemon')
    expect(said).toContain('ran systemctl enable --now alice-box-proxyrenewal.service ')
    expect(machine.ok(`systemctl is-enabled ${UNIT}`)).toBe('enabled\n')
    expect(machine.ok(`systemctl is-active ${UNIT}`)).toBe('active\n')
    expect(show('Type')).toBe('notify')
    expect(show('StatusText')).toBe('0 registered, 0 being renewed, nothing is due')
    const pid = show('MainPID')
    expect(machine.ok(`${SCRIPT} status`)).toBe(`Service running in pid ${pid}\n`)
    expect(machine.ok(`ps -o user= -p ${pid}`)).toBe('daemon\n')
    expect(machine.ok(`stat -c '%a %U' ${VO}/renewal-proxy.pem`)).toBe('400 daemon\n')
    expect(machine.ok('vobox-proxy setup --vo alice --admin daemon')).toBe(
      'alice: nothing to change\n',
    )
    expect(machine.ok('systemctl --failed --no-legend')).toBe('')
  })

  it('starts it again when it is killed, and when the watchdog hears nothing from it', async () => {
    const drop = '/etc/systemd/system/alice-box-proxyrenewal.service.d'
    machine.ok(`mkdir ${drop} && printf '[Service]\\nRestartSec=1\\nWatchdogSec=2\\n' >${drop}/quick.conf
      systemctl daemon-reload && systemctl restart ${UNIT}`)
    for (const signal of ['KILL', 'STOP']) {
      const pid = show('MainPID')
      machine.ok(`kill -${signal} ${pid}`)
      await machine.until(
        () => machine.ok(`${SCRIPT} status || true`) !== `Service running in pid ${pid}\n`,
      )
      await machine.until(() => /^[1-9]/.test(show('MainPID')) && show('StatusText') !== '')
    }
    expect(journal(`-u ${UNIT}`)).toContain('Watchdog timeout (limit 2s)!')
    machine.ok(`rm -r ${drop} && systemctl daemon-reload && systemctl restart ${UNIT}`)
    // Nobody was left behind.
    expect(machine.ok('pgrep -fc "[v]obox-renewd alice"')).toBe('1\n')
  })

  it('does what the VO admin asks by a word in a file, as often as asked', () => {
    expect(machine.ok(asAdmin(`${SCRIPT} stop`))).toBe('Service stopped\n')
    expect(machine.sh(`${SCRIPT} status`)).toMatchObject({ status: 3 })
    const started = machine.ok(asAdmin(`${SCRIPT} start`))
    expect(started).toBe(`Service started in pid ${show('MainPID')}\n`)
    const word = 'echo start >/run/vobox-proxy/alice.request'
    machine.ok(asAdmin(`sh -c 'for each in 1 2 3 4 5 6 7 8; do ${word}; sleep 0.2; done'`))
    expect(machine.ok('systemctl is-active vobox-request@alice.path')).toBe('active\n')
    expect(
      machine.sh(`setpriv --reuid=bin --regid=bin --clear-groups ${SCRIPT} stop`),
    ).toMatchObject({
      status: 4,
      stdout: '',
    })
  })

  it('starts each agent in a scope of its own, where a restart of the service leaves it', async () => {
    const put = (name: string, text: string) => {
      const path = `'${VO}/${name}'`
      machine.ok(`printf '#!/bin/sh\\n${text}\\n' >${path}
        chmod 755 ${path} && chown daemon: ${path}`)
    }
    put('start/10-long', 'echo $$ $(id -un) >/var/tmp/long; exec sleep 1000')
    put('start/20-leaves', 'sleep 1001 >/dev/null 2>&1 & echo $! >/var/tmp/left')
    put('start/30 odd-name', 'echo odd; exit 3')
    put('start/40-saved~', 'echo never')
    machine.ok('systemctl restart vobox-agents@alice.service')
    put(
      'stop/50-end',
      'cat /proc/uptime >>/var/tmp/stopped; kill $(cat /var/tmp/left); kill $(cut -d" " -f1 /var/tmp/long)',
    )
    const log = () => machine.sh(`cat ${VO}/log/agents.log`).stdout
    await machine.until(() => log().includes('30 odd-name ended with status 3'))
    await machine.until(() => machine.sh('cat /var/tmp/long /var/tmp/left').status === 0)
    expect(log()).toContain('30 odd-name: odd\n')
    expect(log()).toContain('40-saved~ is not run: it is named like a backup\n')
    const scopeOf = (pid: string) => machine.ok(`cat /proc/${pid}/cgroup`).trim().split('/').at(-1)
    const [pid = '', user] = machine.ok('cat /var/tmp/long').trim().split(' ')
    const left = machine.ok('cat /var/tmp/left').trim()
    expect(user).toBe('daemon')
    expect(scopeOf(pid)).toMatch(/^vobox-agent-alice-10\\x2dlong-\d+\.scope$/)
    expect(scopeOf(left)).toMatch(/^vobox-agent-alice-20\\x2dleaves-\d+\.scope$/)
    const scopes = () =>
      machine.ok('systemctl list-units --plain --no-legend "vobox-agent-*.scope"')
    await machine.until(() => scopes().trim().split('\n').length === 2)
    expect(scopes()).toContain('Agent 10-long of alice')
    machine.ok(`systemctl restart ${UNIT}`)
    expect(machine.ok(`ps -o pid= -p ${pid},${left}`).trim().split(/\s+/)).toHaveLength(2)
    machine.ok(asAdmin(`${SCRIPT} stop`))
    await machine.until(() => scopes() === '')
    expect(machine.ok('wc -l </var/tmp/stopped')).toBe('1\n')
    machine.ok(asAdmin(`${SCRIPT} start`))
    await machine.until(() => scopes().trim().split('\n').length === 2)
  })

  it('renews what is registered; a hook and the journal with fields of its own tell so', async () => {
    machine.ok(`mkdir -p /etc/vobox-proxy/hooks && cat >/etc/vobox-proxy/hooks/renewed <<'END'
#!/bin/sh
printf '%s|%s|%s|%s\\n' "$VOBOX_EVENT" "$VOBOX_DN" "$VOBOX_FILE" "$(id -un)" >>/var/lib/vobox/alice/hooked
END
      chmod 755 /etc/vobox-proxy/hooks/renewed
      printf '[mail]\\ntransport = "none"\\n[limits]\\nmin_interval_seconds = 1\\n' >/etc/vobox-proxy/config.toml
      ${NO_KEYS_IN_STOCK}
      systemctl reload ${UNIT}`)
    const server = `localhost:${grid.server.port}`
    const words = `--vo alice register -t 48 --refresh 2s --server ${server} --no-voms`
    expect(machine.ok(asAdmin(`/usr/bin/vobox-proxy ${words}`))).toContain('successfully')
    await machine.until(() => Number(events('renewed')) >= 2)
    await machine.until(() => machine.sh(`grep -c . ${VO}/hooked`).stdout.trim() >= '2')
    const file = machine.ok(`ls ${VO}/proxy_repository/*`).trim()
    expect(machine.ok(`head -n 1 ${VO}/hooked`)).toBe(
      `renewed|${grid.users.alice.dn}|${file}|daemon\n`,
    )
    const told = machine.ok(
      'journalctl -b --no-pager -o json VOBOX_VO=alice VOBOX_EVENT=renewed -n 1',
    )
    expect(JSON.parse(told)).toMatchObject({
      VOBOX_DN: grid.users.alice.dn,
      VOBOX_SERVER: server,
      SYSLOG_IDENTIFIER: 'vobox-renewd',
      PRIORITY: '6',
    })
  })

  it('makes the machine proxy and looks the line over when their timers say so', () => {
    const timers = machine.ok('systemctl list-timers --no-legend --no-pager')
    for (const name of ['machine-proxy', 'check']) {
      expect(timers).toContain(`vobox-${name}@alice.timer`)
    }
    machine.ok(`rm ${VO}/renewal-proxy.pem && systemctl start vobox-machine-proxy@alice.service`)
    expect(machine.ok(`stat -c '%a %U' ${VO}/renewal-proxy.pem`)).toBe('400 daemon\n')
    machine.ok('systemctl start vobox-check@alice.service')
    expect(journal('-u vobox-check@alice.service')).not.toContain('✗')
    machine.ok('chmod 0644 /etc/grid-security/hostkey.pem')
    expect(machine.sh('systemctl start vobox-check@alice.service').status).not.toBe(0)
    expect(machine.sh('systemctl start vobox-machine-proxy@alice.service').status).not.toBe(0)
    expect(journal('-u vobox-check@alice.service')).toContain('hostkey.pem: it has mode 0644')
    expect(journal('-u vobox-machine-proxy@alice.service')).toContain('chmod')
    machine.ok('chmod 0400 /etc/grid-security/hostkey.pem && systemctl reset-failed')
  })

  it('is there again after a reboot, with agents and proxies, and had asked the agents to end', async () => {
    const before = Number(events('renewed'))
    machine.ok('rm /var/tmp/stopped /var/tmp/long')
    await machine.reboot()
    expect(machine.ok('wc -l </var/tmp/stopped')).toBe('1\n')
    await machine.until(() => machine.sh(`systemctl is-active ${UNIT}`).stdout === 'active\n')
    await machine.until(() => Number(events('renewed')) > before)
    await machine.until(() => machine.sh('cat /var/tmp/long').status === 0)
    await machine.until(() => show('StatusText').startsWith('1 registered, '))
    expect(events('service-stopped')).toBe(
      events('service-started').replace(/\d+/, (n) => `${+n - 3}`),
    )
    const left = machine.ok(asAdmin('/usr/bin/vobox-proxy --vo alice query-proxy-timeleft'))
    expect(Number(left)).toBeGreaterThan(47 * 3600)
    expect(machine.ok('systemctl --failed --no-legend')).toBe('')
  })

  it('removed and purged, it leaves no unit, no process and no word in the journal of failures', async () => {
    machine.ok(`${DPKG} -r vobox-proxy`)
    await machine.until(() => machine.sh('pgrep -f "[v]obox-renewd alice"').status === 1)
    machine.ok(`${DPKG} -P vobox-proxy`)
    expect(machine.sh('systemctl list-unit-files --no-legend | grep -E "vobox|alice"').stdout).toBe(
      '',
    )
    expect(machine.ok('systemctl --failed --no-legend')).toBe('')
    expect(machine.ok(`ls ${VO}/proxy_repository`)).not.toBe('')
  })
})
