// The RPM: the same tree as in the Debian package, and the same scripts around it, by way of a spec.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settle } from './settle.mjs'

/** @param tree as `layOut` left it. @param epoch in seconds. @returns where it is. */
export function buildRpm({ root, tree, version, architecture, epoch, fast, output }) {
  settle(tree, readdirSync(tree, { recursive: true }).sort(), epoch)
  const work = mkdtempSync(join(tmpdir(), 'vobox-rpm-'))
  try {
    const spec = join(work, 'vobox-proxy.spec')
    writeFileSync(spec, fill({ root, tree, version, fast }))
    const defines = [`_topdir ${work}`, `_rpmdir ${work}/rpms`, '_build_name_fmt %%{NAME}.rpm']
    const words = defines.flatMap((define) => ['--define', define])
    execFileSync('rpmbuild', ['-bb', '--quiet', ...words, '--target', architecture, spec], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const file = join(output, `vobox-proxy-${version}-1.${architecture}.rpm`)
    copyFileSync(join(work, 'rpms', 'vobox-proxy.rpm'), file)
    return file
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function fill({ root, tree, version, fast }) {
  const from = (...names) => readFileSync(join(root, ...names), 'utf8')
  const script = (name) => from('scripts/package', name).replaceAll('%', '%%').trim()
  const values = {
    VERSION: version,
    PAYLOAD: fast ? 'w1.zstdio' : 'w6.xzdio',
    DESCRIPTION: JSON.parse(from('package.json')).description,
    TREE: tree,
    POSTINST: script('postinst'),
    PRERM: script('prerm'),
  }
  return from('scripts/package/vobox-proxy.spec').replace(/@([A-Z]+)@/g, (_, name) => values[name])
}
