/**
 * The Debian package on a machine without Node: installed, set up, registered, renewed, upgraded,
 * removed, purged, with a real MyProxy server beside it.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { execFileSync, spawnSync } from '../support/bounded.js'
import { CleanMachine, describeOnMachine, NO_KEYS_IN_STOCK } from '../support/clean-machine.js'
import { addProxy } from '../support/pki.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const SCRIPT = '/etc/init.d/alice-box-proxyrenewal'
const REPOSITORY = '/var/lib/vobox/alice/proxy_repository'

/** Whatever else the machine has to do when a package comes is not ours, and slow. */
const DPKG = 'dpkg --no-triggers --force-unsafe-io'

/** As the VO admin, `daemon`, with the login proxy. */
const asAdmin = (words: string) =>
  'setpriv --reuid=daemon --regid=daemon --init-groups ' +
  `env X509_USER_PROXY=/var/tmp/login.pem ${words}`

const PROGRAMS = ['dpkg', 'dpkg-deb', 'setpriv', ...MYPROXY_PROGRAMS]

describeOnMachine('the Debian package', PROGRAMS, () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let machine: CleanMachine
  let grid: RealGrid
  let packages: { first: string; next: string }

  const pack = (version: string) => {
    const words = ['scripts/package.mjs', '--no-build', '--fast', '--output', directory.path]
    const stdout = execFileSync(process.execPath, [...words, '--version', version], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', SOURCE_DATE_EPOCH: '1790000000' },
    })
    return stdout.split('\n')[0] ?? ''
  }
  const pidOf = (said: string) => Number(/in pid (\d+)\n$/.exec(said)?.[1])
  const proxyFile = () => machine.ok(`ls ${REPOSITORY}`).trim()

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    packages = { first: pack('0.1.0'), next: pack('0.1.1') }
    machine = await CleanMachine.make()
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    cpSync(grid.trustDirectory, join(machine.shared, 'certificates'), {
      recursive: true,
      verbatimSymlinks: true,
    })
    copyFileSync(grid.hosts.vobox.certificatePath, join(machine.shared, 'hostcert.pem'))
    copyFileSync(grid.hosts.vobox.keyPath, join(machine.shared, 'hostkey.pem'))
    const login = await grid.writeProxy('login.pem', addProxy(grid.users.alice.credential))
    copyFileSync(login, join(machine.shared, 'login.pem'))
    for (const file of Object.values(packages)) {
      copyFileSync(
        file,
        join(machine.shared, file.endsWith('0.1.1_amd64.deb') ? 'next.deb' : 'first.deb'),
      )
    }
    machine.ok(`mkdir -p /etc/grid-security && cp -a /mnt/certificates /etc/grid-security/ &&
      install -m 0644 /mnt/hostcert.pem /etc/grid-security/ &&
      install -m 0400 /mnt/hostkey.pem /etc/grid-security/ &&
      chmod -R a+rX /etc/grid-security/certificates &&
      install -m 0600 -o daemon -g daemon /mnt/login.pem /var/tmp/login.pem`)
  })
  afterAll(async () => {
    await grid?.stop()
    await machine?.end()
    await directory?.remove()
  })

  it('is the same again, byte by byte, and root owns all of it', () => {
    const digest = () => createHash('sha256').update(readFileSync(packages.first)).digest('hex')
    const before = digest()
    expect(pack('0.1.0')).toBe(packages.first)
    expect(digest()).toBe(before)
    const { stdout } = spawnSync('dpkg-deb', ['-c', packages.first], { encoding: 'utf8' })
    const strange = stdout
      .split('\n')
      .filter((line) => line !== '' && !line.includes(' root/root '))
    expect(strange).toEqual([])
  })

  it('installs where no Node is, and its programs run with an empty PATH', () => {
    expect(machine.sh('command -v node').status).not.toBe(0)
    machine.ok(`${DPKG} -i /mnt/first.deb`)
    for (const program of ['vobox-proxy', 'vobox-renewd']) {
      const { stdout } = machine.sh(`env -i PATH= /usr/bin/${program} --version`)
      expect(stdout).toMatch(/0\.1\.\d/)
    }
    expect(machine.ok('dpkg -V vobox-proxy')).toBe('')
    expect(machine.ok('/usr/lib/vobox-proxy/node/bin/node --version')).toBe(`${process.version}\n`)
  })

  it('sets a VO up that runs and starts at boot; a second time there is nothing to change', () => {
    const setUp = 'vobox-proxy setup --vo alice --admin daemon'
    machine.ok(NO_KEYS_IN_STOCK)
    const said = machine.ok(setUp)
    expect(said).toContain('made /var/lib/vobox/alice (daemon:daemon, 0750)\n')
    expect(said).toContain(`ran ${SCRIPT} start\n`)
    expect(machine.ok(setUp)).toBe('alice: nothing to change\n')
    expect(machine.ok(`${SCRIPT} status`)).toMatch(/^Service running in pid \d+\n$/)
    expect(machine.ok('ls /etc/rc3.d')).toMatch(/^S\d\dalice-box-proxyrenewal$/m)
    const facts = machine.ok('stat -c "%a %U" /var/lib/vobox/alice/renewal-proxy.pem')
    expect(facts).toBe('400 daemon\n')
  })

  it('says of a host key that all can read which it is, and leaves the machine proxy', () => {
    const proxy = '/var/lib/vobox/alice/renewal-proxy.pem'
    const before = machine.ok(`cksum ${proxy}`)
    machine.ok('chmod 0644 /etc/grid-security/hostkey.pem')
    const { status, stdout, stderr } = machine.sh(`${SCRIPT} proxy`)
    machine.ok('chmod 0400 /etc/grid-security/hostkey.pem')
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('/etc/grid-security/hostkey.pem')
    expect(stderr).toContain('chmod')
    expect(machine.ok(`cksum ${proxy}`)).toBe(before)
  })

  it('says that a disk is full, leaves no half of a file, and goes on once there is room', () => {
    const setUp = 'vobox-proxy setup --vo bob --admin bin --sysv --no-start'
    machine.ok('mkdir /tmp/full && mount -t tmpfs -o size=4k none /tmp/full')
    machine.ok('cp -a /etc/init.d /tmp/kept && mount --bind /tmp/full /etc/init.d')
    const { status, stdout, stderr } = machine.sh(setUp)
    const left = machine.ok('ls -A /etc/init.d && umount /etc/init.d')
    expect([status, stdout, left]).toEqual([1, '', ''])
    expect(stderr).toContain('made /var/lib/vobox/bob (bin:bin, 0750)\n')
    expect(stderr).toMatch(/bob-box-proxyrenewal.*(no space|full)/i)
    expect(machine.ok(setUp)).toMatch(/^made \/etc\/init\.d\/bob-box-proxyrenewal/)
    machine.ok('vobox-proxy setup --vo bob --remove --purge')
    expect(machine.ok('ls /var/lib/vobox')).toBe('alice\n')
  })

  it('two starts at once make one service, and both say in which pid', async () => {
    machine.ok(`${SCRIPT} stop`)
    const said = machine.ok(
      `${SCRIPT} start >/tmp/1 2>&1 & ${SCRIPT} start >/tmp/2 2>&1; wait; cat /tmp/1 /tmp/2`,
    )
    const pids = [...said.matchAll(/^Service (?:started|running) in pid (\d+)$/gm)].map(
      ([, pid]) => pid,
    )
    expect(pids, said).toHaveLength(2)
    expect(new Set(pids).size).toBe(1)
    const count = () => machine.sh("pgrep -fc '[v]obox-renewd alice'").stdout
    await vi.waitUntil(() => count() === '1\n', { timeout: 20_000 })
  })

  it('runs the VO’s agents as the VO admin, whom a stop of the service asks to end', () => {
    const agent = '#!/bin/sh\\necho "$1 $(id -un)" >>/var/tmp/agents\\n'
    for (const name of ['start', 'stop']) {
      const path = `/var/lib/vobox/alice/${name}/10-agent`
      machine.ok(`printf '${agent}' >${path} && chmod 755 ${path} && chown daemon: ${path}`)
    }
    machine.ok(`${SCRIPT} restart`)
    machine.ok('timeout 20 sh -c "until grep -q start /var/tmp/agents; do sleep 0.1; done"')
    expect(machine.ok('sort /var/tmp/agents')).toBe('start daemon\nstop daemon\n')
    machine.ok('rm /var/lib/vobox/alice/st*/10-agent')
  })

  it('registers, and renews while it stops and starts as in a reboot', () => {
    const server = `localhost:${grid.server.port}`
    const register = `/usr/bin/vobox-proxy --vo alice register -t 48 --server ${server} --no-voms`
    expect(machine.ok(asAdmin(register))).toContain('successfully')
    const said = machine.ok(asAdmin('/usr/bin/vobox-proxy --vo alice renew --all --force'))
    expect(said).toContain('renewed')
    expect(machine.ok(`${SCRIPT} stop`)).toBe('Service stopped\n')
    expect(machine.sh(`${SCRIPT} status`)).toMatchObject({ status: 3 })
    // As the VO admin, as a job submission service does.
    expect(machine.ok(asAdmin(`${SCRIPT} start`))).toMatch(/^Service started in pid \d+\n$/)
    const left = machine.ok(asAdmin('/usr/bin/vobox-proxy --vo alice query-proxy-timeleft'))
    expect(Number(left)).toBeGreaterThan(47 * 3600)
  })

  it('is upgraded in place: another process serves the same registrations and proxies', () => {
    const before = pidOf(machine.ok(`${SCRIPT} status`))
    const file = proxyFile()
    machine.ok('echo "# mine" >>/etc/vobox-proxy/config.toml')
    machine.ok(`echo "# old" >>${SCRIPT}`)
    machine.ok(`${DPKG} --force-confold -i /mnt/next.deb`)
    expect(pidOf(machine.ok(`${SCRIPT} status`))).not.toBe(before)
    expect(machine.ok(`tail -n 1 ${SCRIPT}`)).not.toContain('# old')
    expect(machine.ok('tail -n 1 /etc/vobox-proxy/config.toml')).toBe('# mine\n')
    expect(proxyFile()).toBe(file)
    const dns = machine.ok(asAdmin('/usr/bin/vobox-proxy --vo alice --dn all query-dn'))
    expect(dns).toBe(`${grid.users.alice.dn}\n`)
  })

  it('removed, it stops the service and leaves what others own; cron has nothing to say', () => {
    const file = proxyFile()
    machine.ok(`${DPKG} -r vobox-proxy`)
    // It has released its lock, and may still be about to exit.
    machine.ok('timeout 10 sh -c "while pgrep -f [v]obox-renewd; do sleep 0.1; done"')
    const cron = machine.ok('grep " root " /etc/cron.d/alice-box-proxyrenewal')
    const commands = cron
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.* root /, ''))
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      expect(machine.sh(command)).toEqual({ status: 0, stdout: '', stderr: '' })
    }
    expect(machine.sh(`${SCRIPT} start`)).toMatchObject({ status: 5, stdout: '' })
    machine.ok(`${DPKG} -P vobox-proxy`)
    expect(
      machine.sh(`ls /etc/vobox-proxy ${SCRIPT} /etc/cron.d/alice-box-proxyrenewal`).stdout,
    ).toBe('')
    expect(machine.sh('ls /etc/rc3.d').stdout).not.toContain('alice')
    expect(proxyFile()).toBe(file)
  })
})
