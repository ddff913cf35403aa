/**
 * The RPM, built by Debian's rpmbuild from the tree of the Debian package, on a machine without Node:
 * installed, set up, upgraded, removed and installed again. Its dependencies are Red Hat's, so that rpm
 * is told not to look for them here.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { execFileSync, spawnSync } from '../support/bounded.js'
import { CleanMachine, describeOnMachine, NO_KEYS_IN_STOCK } from '../support/clean-machine.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const RPM = 'rpm --force-debian --nodeps --dbpath /var/lib/rpm'
const SCRIPT = '/etc/init.d/alice-box-proxyrenewal'
const VO = '/var/lib/vobox/alice'

describeOnMachine('the RPM', ['rpmbuild', 'rpm', 'setpriv'], () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let machine: CleanMachine
  let first: string

  const pack = (version: string) => {
    const words = ['scripts/package.mjs', '--no-build', '--fast', '--rpm', '--version', version]
    const stdout = execFileSync(process.execPath, [...words, '--output', directory.path], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', SOURCE_DATE_EPOCH: '1790000000' },
    })
    return stdout.split('\n')[0] ?? ''
  }
  const pid = () => Number(/in pid (\d+)\n$/.exec(machine.ok(`${SCRIPT} status`))?.[1])
  const untilGone = () =>
    machine.ok('timeout 20 sh -c "while pgrep -f [v]obox-renewd.alice; do sleep 0.1; done"')

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    first = pack('0.1.0')
    machine = await CleanMachine.make()
    copyFileSync(first, join(machine.shared, 'first.rpm'))
    copyFileSync(pack('0.1.1'), join(machine.shared, 'next.rpm'))
  })
  afterAll(async () => {
    await machine?.end()
    await directory?.remove()
  })

  it('is the same again, byte by byte, is root’s, and asks for nothing but the system', () => {
    const digest = () => createHash('sha256').update(readFileSync(first)).digest('hex')
    const before = digest()
    pack('0.1.0')
    expect(digest()).toBe(before)
    const ask = (...words: string[]) => spawnSync('rpm', ['-qp', ...words, first]).stdout.toString()
    expect(
      new Set(ask('--qf', '[%{FILEUSERNAME}:%{FILEGROUPNAME}\\n]').trim().split('\n')),
    ).toEqual(new Set(['root:root']))
    const needs = ask('--requires')
      .trim()
      .split('\n')
      .filter((need) => !need.startsWith('rpmlib('))
    expect([...new Set(needs)].sort()).toEqual(
      ['/bin/sh', 'coreutils', 'glibc >= 2.28', 'libgcc', 'libstdc++', 'util-linux'].sort(),
    )
  })

  it('installs where no Node is, and sets a VO up that runs', () => {
    machine.ok(`mkdir -p /var/lib/rpm && ${RPM} -i /mnt/first.rpm`)
    expect(machine.sh('env -i PATH= /usr/bin/vobox-renewd --version').stdout).toMatch(/0\.1\.\d/)
    expect(machine.ok(`${RPM} -V vobox-proxy`)).toBe('')
    expect(machine.ok('ls /usr/share/zsh/site-functions/_vobox-proxy')).not.toBe('')
    machine.ok(NO_KEYS_IN_STOCK)
    machine.ok('vobox-proxy setup --vo alice --admin daemon')
    expect(pid()).toBeGreaterThan(0)
  })

  it('is upgraded in place: what was changed stays, and another process serves', () => {
    const before = pid()
    machine.ok(`echo "# mine" >>/etc/vobox-proxy/config.toml; echo "# old" >>${SCRIPT}`)
    machine.ok(`${RPM} -U /mnt/next.rpm`)
    expect(machine.ok(`rpm --dbpath /var/lib/rpm -q --qf '%{VERSION}' vobox-proxy`)).toBe('0.1.1')
    expect(pid()).not.toBe(before)
    expect(machine.ok(`tail -n 1 ${SCRIPT}`)).not.toContain('# old')
    expect(machine.ok('tail -n 1 /etc/vobox-proxy/config.toml')).toBe('# mine\n')
  })

  it('removed, it stops the service and leaves the VO’s; installed again, that runs again', () => {
    machine.ok(`${RPM} -e vobox-proxy`)
    untilGone()
    expect(machine.sh('ls /usr/bin/vobox-proxy /usr/lib/vobox-proxy').stdout).toBe('')
    expect(machine.ok(`ls -d ${VO}/proxy_repository`)).not.toBe('')
    expect(machine.sh(`${SCRIPT} start`)).toMatchObject({ status: 5, stdout: '' })
    machine.ok(`${RPM} -i /mnt/next.rpm`)
    expect(pid()).toBeGreaterThan(0)
    machine.ok(`${SCRIPT} stop`)
  })
})
