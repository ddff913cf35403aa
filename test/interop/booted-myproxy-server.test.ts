/**
 * The unit of our MyProxy server on a machine that systemd has booted, as the package has it, on the port
 * that everybody knows: it takes the place of Debian's, serves C clients and a VO-Box, is told things,
 * fails, fills a secondary from cron, and gives the place back.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BootedMachine, describeOnBootedMachine } from '../support/booted-machine.js'
import { asAdmin, DPKG, makeVoBox } from '../support/booted-vo-box.js'
import { execFileSync } from '../support/bounded.js'
import { NO_KEYS_IN_STOCK } from '../support/clean-machine.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { MYPROXY_PROGRAMS } from '../support/real-peers.js'
import { CONFIG, makeServerScene, type ServerScene } from '../support/server-program.js'

const UNIT = 'vobox-myproxy-server.service'
const DEBIANS = 'myproxy-server.service'
const DROP_IN = `/etc/systemd/system/${UNIT}.d`
const HOST_FILES = '/etc/grid-security/myproxy'
const [CERTIFICATE, KEY] = [`${HOST_FILES}/hostcert.pem`, `${HOST_FILES}/hostkey.pem`]
const VO = '/var/lib/vobox/alice'

/** C clients of root's would take the certificate of the host. */
const asAlice = (words: string) =>
  asAdmin(
    words,
    'MYPROXY_SERVER=localhost ' +
      'X509_USER_CERT=/var/tmp/alice-cert.pem X509_USER_KEY=/var/tmp/alice-key.pem',
  )

const PROGRAMS = ['dpkg-deb', 'cron', 'gcc', 'openssl', ...MYPROXY_PROGRAMS]

describeOnBootedMachine('the MyProxy server under a systemd that runs', PROGRAMS, () => {
  let machine: BootedMachine
  let scene: ServerScene
  const show = (property: string, unit = UNIT) =>
    machine.ok(`systemctl show -P ${property} ${unit}`).trim()
  /** The lines of an event, in the order in which they came. */
  const told = (event: string) =>
    machine
      .ok('journalctl -b --no-pager -o cat -t myproxy-server')
      .split('\n')
      .filter((line) => line.startsWith(`${event}: `))
  /** One more of an event than there was, by a command. */
  const tells = async (event: string, command: string) => {
    const before = told(event).length
    machine.ok(command)
    await machine.until(() => told(event).length > before)
    return told(event).at(-1)
  }
  const renewals = () => Number(machine.sh(`grep -cE ' renewed( |$)' ${VO}/log/events.log`).stdout)
  const put = (name: string, path: string, mode: string) =>
    machine.ok(`install -o myproxy -m ${mode} /mnt/${name} ${path}.new && mv ${path}.new ${path}`)
  /** Serial number of the certificate that a client is shown. */
  const shown = () =>
    machine.ok(`openssl s_client -connect localhost:7512 </dev/null 2>/dev/null |
      openssl x509 -noout -serial`)

  beforeAll(async () => {
    machine = await BootedMachine.boot({ ownNetwork: true })
    scene = await makeServerScene()
    const { shared } = machine
    const library = ['-shared', '-fPIC', '-o', join(shared, 'clock.so')]
    execFileSync('gcc', [...library, 'test/support/near-minute.c'])
    const { ca, trustDirectory, aliceCredential: user, hostCredential } = scene
    const pairs = {
      ...{ alice: user, host: hostCredential },
      renewed: ca.issueHost('localhost', { key: 'rsa2048', ips: ['127.0.0.1'] }),
    }
    for (const [name, credential] of Object.entries(pairs)) {
      await writeCredentialPair(shared, name, credential)
    }
    const vobox = ca.issueHost('vobox.example.org', { key: 'rsa2048' })
    const { cert, key } = await writeCredentialPair(scene.directory, 'vobox', vobox)
    makeVoBox(machine, { trustDirectory, host: { certificatePath: cert, keyPath: key }, user })
    writeFileSync(join(shared, 'config'), CONFIG)
    machine.ok(`install -d -o myproxy -m 0700 ${HOST_FILES} /var/lib/myproxy /run/myproxy-server
      rm -f /var/lib/myproxy/* && install -m 0644 /mnt/config /etc/myproxy-server.config
      install -m 0600 -o daemon -g daemon /mnt/alice-*.pem /var/tmp/`)
    put('host-cert.pem', CERTIFICATE, '0644')
    put('host-key.pem', KEY, '0400')
  })
  afterAll(async () => {
    await machine?.end()
    await scene?.remove()
  })

  it('takes the place of Debian’s by two commands, with what was stored there', () => {
    machine.ok(`systemctl enable --now ${DEBIANS}`)
    machine.ok(asAlice('myproxy-init -d -n -c 99 -t 48 -R vobox.example.org'))
    machine.ok(`systemctl disable --now ${DEBIANS} && systemctl enable --now ${UNIT}`)
    expect(show('ActiveState')).toBe('active')
    expect(show('StatusText')).toBe('listening on port 7512')
    expect(machine.ok(asAlice('myproxy-info -d'))).toMatch(/timeleft: (98|99):/)
    const pid = show('MainPID')
    expect(machine.ok(`ps -o user= -p ${pid}`)).toBe('myproxy\n')
    const status = machine.ok(`cat /proc/${pid}/status`)
    expect(status).toMatch(/^CapBnd:\s0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\s1$/m)
    expect(status).toMatch(/^Seccomp:\s2$/m)
    expect(machine.ok('systemctl --failed --no-legend')).toBe('')
  })

  it('serves a VO-Box, and writes a line to the journal for each request, under its own unit', async () => {
    machine.ok('vobox-proxy setup --vo alice --admin daemon')
    const words = '--vo alice register -t 48 --refresh 2s --server localhost --no-voms'
    machine.ok(`printf '[mail]\\ntransport = "none"\\n[limits]\\nmin_interval_seconds = 1\\n' \\
      >/etc/vobox-proxy/config.toml && ${NO_KEYS_IN_STOCK}`)
    expect(machine.ok(asAlice(`/usr/bin/vobox-proxy ${words}`))).toContain('successfully')
    await machine.until(() => renewals() >= 2)
    const line = told('myproxy-served').at(-1)
    expect(line).toContain(' client="/DC=org/DC=example/OU=Hosts/CN=vobox.example.org"')
    expect(line).toContain(' username="/DC=org/DC=example/OU=Users/CN=alice"')
    expect(line).toContain(' decision="')
    const entry = machine.ok(
      `journalctl -b --no-pager -o json -n 1 -u ${UNIT} SYSLOG_IDENTIFIER=myproxy-server`,
    )
    expect(JSON.parse(entry)).toMatchObject({
      ...{ PRIORITY: '6', SYSLOG_FACILITY: '3', SYSLOG_PID: show('MainPID') },
      MESSAGE: expect.stringMatching(/^myproxy-served: /),
    })
  })

  it('reads configuration and certificate again, and goes on as before where one is wrong', async () => {
    const pid = show('MainPID')
    const before = shown()
    put('renewed-cert.pem', CERTIFICATE, '0644')
    put('renewed-key.pem', KEY, '0400')
    const config = '/etc/myproxy-server.config'
    machine.ok(`printf '#!/bin/sh\\necho too easy >&2; exit 1\\n' >/usr/local/sbin/policy
      chmod 755 /usr/local/sbin/policy
      echo 'passphrase_policy_program /usr/local/sbin/policy' >>${config}`)
    await tells('reloaded', `systemctl reload ${UNIT}`)
    expect(shown()).toMatch(/^serial=[0-9A-F]+$/m)
    expect(shown()).not.toBe(before)
    // A program of the site's is run behind the walls of the unit.
    const weak = machine.sh(`echo password | ${asAlice('myproxy-init -d -S -c 9')}`)
    expect(weak.status).toBe(1)
    expect(weak.stderr).toContain('too easy')
    machine.ok(`sed -i /policy/d ${config} && echo frobnicate >>${config}`)
    const failed = await tells('reload-failed', `systemctl reload ${UNIT}`)
    expect(failed).toContain('going on as before: ')
    expect(failed).toContain('frobnicate')
    expect(machine.ok(asAlice('myproxy-info -d'))).toContain('timeleft: ')
    expect(show('MainPID')).toBe(pid)
    machine.ok(`sed -i /frobnicate/d ${config}`)
    await tells('reloaded', `systemctl reload ${UNIT}`)
  })

  it('refuses to run twice: by hand it says why, and Debian’s unit takes its place', () => {
    const pid = show('MainPID')
    const second = machine.sh(`runuser -u myproxy -- env X509_USER_CERT=${CERTIFICATE} \\
      X509_USER_KEY=${KEY} vobox-proxy myproxy-server -d`)
    expect(second.status).toBe(1)
    expect(second.stderr).toContain(':7512: another server has that port')
    expect(show('MainPID')).toBe(pid)
    machine.ok(`systemctl start ${DEBIANS}`)
    expect([show('ActiveState'), show('ActiveState', DEBIANS)]).toEqual(['inactive', 'active'])
    expect(machine.ok(asAlice('myproxy-info -d'))).toMatch(/timeleft: (98|99):/)
    machine.ok(`systemctl start ${UNIT}`)
    expect([show('ActiveState'), show('ActiveState', DEBIANS)]).toEqual(['active', 'inactive'])
  })

  it('ends in order at a restart, and is started again when it is killed or hangs', async () => {
    const ended = told('stopped').length
    machine.ok(`systemctl restart ${UNIT}`)
    expect(told('stopped').slice(ended)).toEqual(['stopped: ended in order'])
    machine.ok(`mkdir ${DROP_IN} && printf '[Service]\\nRestartSec=0.1\\nWatchdogSec=3\\n' >${DROP_IN}/quick.conf
      systemctl daemon-reload && systemctl restart ${UNIT}`)
    for (const signal of ['KILL', 'STOP']) {
      const pid = show('MainPID')
      machine.ok(`kill -${signal} ${pid}`)
      await machine.until(() => show('MainPID') !== pid && show('ActiveState') === 'active')
      expect(machine.ok(asAlice('myproxy-info -d'))).toContain('timeleft: ')
    }
    const said = machine.ok(`journalctl -b --no-pager -o cat -u ${UNIT}`)
    expect(said).toContain('Watchdog timeout (limit 3s)!')
    expect(said).not.toContain('notify-failed')
  })

  it('fills a C secondary by the line of cron, which tells the journal', async () => {
    const restarts = show('NRestarts')
    machine.ok(`install -d -o myproxy -m 0700 /var/lib/secondary
      sed 's#/DC=org/DC=example/\\*"#/DC=org/DC=example/OU=Hosts/CN=localhost"#' /etc/myproxy-server.config \\
        >/etc/secondary.config
      systemd-run --quiet --unit secondary -p User=myproxy -p Type=forking \\
        -E X509_USER_CERT=${CERTIFICATE} -E X509_USER_KEY=${KEY} \\
        /usr/sbin/myproxy-server -c /etc/secondary.config -s /var/lib/secondary -p 7513
      echo 'slave_servers "localhost:7513"' >>/etc/myproxy-server.config
      rm -rf /etc/cron.d/* /etc/crontab && cp /usr/lib/vobox-proxy/cron.d/myproxy-replicate /etc/cron.d/
      sed -i 's#^[*]/10 #* #' /etc/cron.d/myproxy-replicate
      mkdir -p /run/systemd/system/cron.service.d && printf '[Service]\\nEnvironment=%s %s\\n' \\
        LD_PRELOAD=/mnt/clock.so CLOCK_AHEAD=${secondsToMinute(55)} >/run/systemd/system/cron.service.d/near.conf
      systemctl daemon-reload && systemctl start cron`)
    const said = () => machine.ok('journalctl -b --no-pager -o cat -t myproxy-replicate')
    await machine.until(() => said().includes('localhost:7513'))
    expect(said()).toContain('localhost:7513 is up to date: 1 stored')
    expect(machine.ok('stat -c "%U %a" /var/lib/secondary/*.creds')).toBe('myproxy 600\n')
    // Fed in time meanwhile, the watchdog has not bitten again.
    expect(show('NRestarts')).toBe(restarts)
    machine.ok(`systemctl stop cron secondary && rm -r ${DROP_IN} && systemctl daemon-reload`)
  })

  it('is there again after a reboot, and with it the renewals', async () => {
    await machine.reboot()
    await machine.until(() => machine.sh(`systemctl is-active ${UNIT}`).stdout === 'active\n')
    const before = renewals()
    await machine.until(() => renewals() > before)
    expect(told('started')).toHaveLength(1)
    expect(machine.ok('systemctl --failed --no-legend')).toBe('')
  })

  it('runs anew in an upgrade, leaves with its package, and Debian’s goes on with the directory', () => {
    const pid = show('MainPID')
    machine.ok(`${DPKG} -i /mnt/vobox-proxy_*.deb`)
    expect(show('ActiveState')).toBe('active')
    expect(show('MainPID')).not.toBe(pid)
    machine.ok(`systemctl stop alice-box-proxyrenewal.service; ${DPKG} -P vobox-proxy`)
    expect(machine.sh('pgrep -f "[m]yproxy-server"').status).toBe(1)
    expect(machine.ok('find /etc/systemd/system -name "vobox-*"')).toBe('')
    machine.ok(`install -d -o myproxy /run/myproxy-server && systemctl start ${DEBIANS}`)
    expect(machine.ok(asAlice('myproxy-info -d'))).toMatch(/timeleft: (98|99):/)
  })
})

/** What the clock of cron lacks to so many seconds past the minute. */
const secondsToMinute = (second: number) =>
  (60 + second - (Math.floor(Date.now() / 1000) % 60)) % 60
