// What dpkg must know: deb-control(5), deb-conffiles(5), the maintainer scripts, checksums.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { settle } from './settle.mjs'

const SCRIPTS = ['postinst', 'prerm', 'postrm']

/** The rest that our scripts call is essential in Debian. */
const DEPENDS = ['libc6 (>= 2.28)', 'libstdc++6 (>= 10)', 'libgcc-s1']
const RECOMMENDS = ['systemd | cron', 'logrotate', 'default-mta | mail-transport-agent']

/** @param tree as `layOut` left it; modes and times are set here. @param epoch in seconds. */
export function writeControl({ root, tree, version, architecture, epoch }) {
  const names = readdirSync(tree, { recursive: true }).sort()
  settle(tree, names, epoch)
  const files = names.filter((name) => lstatSync(join(tree, name)).isFile())
  const bytes = files.reduce((sum, name) => sum + lstatSync(join(tree, name)).size, 0)
  const meta = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const control = {
    Package: 'vobox-proxy',
    Version: version,
    Architecture: architecture,
    Maintainer: 'vobox-proxy developers <root@localhost>',
    'Installed-Size': Math.ceil(bytes / 1024),
    Depends: DEPENDS.join(', '),
    Recommends: RECOMMENDS.join(', '),
    Section: 'net',
    Priority: 'optional',
    Description: `grid proxies of a VO-Box kept alive\n ${meta.description}.`,
  }
  const directory = join(tree, 'DEBIAN')
  mkdirSync(directory, { mode: 0o755 })
  const put = (name, text) => writeFileSync(join(directory, name), text)
  put(
    'control',
    Object.entries(control)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  )
  put('conffiles', '/etc/vobox-proxy/config.toml\n')
  put(
    'md5sums',
    files
      .filter((name) => !name.startsWith('etc/'))
      .map(sumLine(tree))
      .join(''),
  )
  for (const name of SCRIPTS) {
    copyFileSync(join(root, 'scripts', 'package', name), join(directory, name))
    chmodSync(join(directory, name), 0o755)
  }
  settle(tree, ['.', 'DEBIAN', ...readdirSync(directory).map((name) => `DEBIAN/${name}`)], epoch)
}

const sumLine = (tree) => (name) =>
  `${createHash('md5')
    .update(readFileSync(join(tree, name)))
    .digest('hex')}  ${name}\n`
