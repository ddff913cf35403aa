// Where everything goes on the machine that installs the package.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

const HOME = 'usr/lib/vobox-proxy'
const DOC = 'usr/share/doc/vobox-proxy'

/** What the programs are at run time, besides their bundles. */
const COPIED = ['bin', 'compat', 'cron.d', 'init.d', 'logrotate.d', 'systemd']

/** The one package that is not in the bundles, since it holds machine code. */
const NATIVE = 'fs-native-extensions'

const PROGRAMS = ['vobox-proxy', 'vobox-renewd']

/** @param tree an empty directory, which stands for `/`. @param node the Node to be packed. */
export function layOut({ root, tree, node }) {
  const from = (...names) => join(root, ...names)
  const to = (...names) => {
    const path = join(tree, ...names)
    mkdirSync(dirname(path), { recursive: true })
    return path
  }
  layOutPrograms(root, from, to)
  copyFileSync(node, to(HOME, 'node/bin/node'))
  chmodSync(to(HOME, 'node/bin/node'), 0o755)
  layOutManual(from, to)
  for (const name of readdirSync(from('systemd'))) {
    copyFileSync(from('systemd', name), to('usr/lib/systemd/system', name))
  }
  copyFileSync(from('docs/config.toml'), to('etc/vobox-proxy/config.toml'))
  for (const name of ['etc/vobox-proxy/vo', 'etc/vobox-proxy/hooks', 'var/lib/vobox']) {
    mkdirSync(to(name), { recursive: true })
  }
}

function layOutPrograms(root, from, to) {
  for (const name of COPIED) cpSync(from(name), to(HOME, name), { recursive: true })
  const bundles = readdirSync(from('dist')).filter((name) => /\.(cjs|v8|LEGAL\.txt)$/.test(name))
  for (const name of bundles) copyFileSync(from('dist', name), to(HOME, 'dist', name))
  for (const name of ['oclif.manifest.json', 'package.json', 'docs/config.toml']) {
    copyFileSync(from(name), to(HOME, name))
  }
  for (const name of packagesBelow(root, NATIVE)) {
    const target = to(HOME, 'node_modules', name)
    cpSync(from('node_modules', name), target, { recursive: true, filter: isForHere })
  }
  for (const name of PROGRAMS) symlinkSync(`../lib/vobox-proxy/bin/${name}`, to('usr/bin', name))
}

/** A package and all that it needs, by the lock file. */
function packagesBelow(root, first) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const found = new Set([first])
  for (const name of found) {
    const { dependencies = {} } = packages[`node_modules/${name}`]
    for (const each of Object.keys(dependencies)) found.add(each)
  }
  return found
}

/** Machine code of other platforms stays behind. */
function isForHere(path) {
  const platform = /\/prebuilds\/([^/]+)/.exec(path)?.[1]
  return platform === undefined || platform === `${process.platform}-${process.arch}`
}

function layOutManual(from, to) {
  for (const section of readdirSync(from('dist/man'))) {
    for (const page of readdirSync(from('dist/man', section))) {
      const packed = gzipSync(readFileSync(from('dist/man', section, page)), { level: 9 })
      writeFileSync(to('usr/share/man', section, `${page}.gz`), packed)
    }
  }
  const bash = 'usr/share/bash-completion/completions'
  copyFileSync(from('dist/completion/vobox-proxy.bash'), to(bash, 'vobox-proxy'))
  symlinkSync('vobox-proxy', to(bash, 'vobox-renewd'))
  const zsh = 'usr/share/zsh/vendor-completions/_vobox-proxy'
  copyFileSync(from('dist/completion/_vobox-proxy'), to(zsh))
  const pages = readdirSync(from('docs')).filter((name) => !name.endsWith('.toml'))
  const texts = pages.filter((name) => statSync(from('docs', name)).isFile())
  for (const name of texts) copyFileSync(from('docs', name), to(DOC, 'docs', name))
  copyFileSync(from('README.md'), to(DOC, 'README.md'))
  copyFileSync(from('LICENSE'), to(DOC, 'copyright'))
  const changes = gzipSync(readFileSync(from('CHANGELOG.md')), { level: 9 })
  writeFileSync(to(DOC, 'changelog.gz'), changes)
}
