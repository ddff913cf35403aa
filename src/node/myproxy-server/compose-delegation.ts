/** What storing and delegating go by, beside the policy: map files, extensions, CA files. */

import {
  type ProxyExtensions,
  proxyExtensionsOfFile,
  proxyExtensionsOfProgram,
} from '../../myproxy/server/exchanges/proxy-extensions.js'
import type { AttributeRequests } from '../../myproxy/server/exchanges/requested-attributes.js'
import { TrustRootsDirectory } from '../../myproxy/server/exchanges/trust-roots-directory.js'
import {
  type AcceptedNames,
  NamesOfFile,
  NamesOfProgram,
} from '../../myproxy/server/policy/accepted-names.js'
import { VomsesFiles } from '../../voms/vomses-files.js'
import { nodeDialer } from '../ports/dialer.js'
import { type SettingsReader, WRITABLE_BY_OTHERS } from './settings-reader.js'

/** Where VOMS servers are listed when `voms_userconf` names no place. */
const SITE_VOMSES = ['/etc/vomses']

/** @throws VoboxError `CONFIG_INVALID` with the directive and its line, as all of these. */
export async function acceptedNamesOf(reader: SettingsReader): Promise<AcceptedNames | undefined> {
  const { acceptedMapPath: path, acceptedMapProgram } = reader.config
  if (acceptedMapProgram !== undefined) {
    const asked = await reader.program('accepted_credentials_mapapp', acceptedMapProgram)
    return new NamesOfProgram(asked)
  }
  if (path === undefined) return undefined
  const { files, uid } = reader.deps
  const names = new NamesOfFile({ files, path, owners: [0, uid] })
  await reader.attempt('accepted_credentials_mapfile', () => names.check())
  return names
}

export async function proxyExtensionsOf(
  reader: SettingsReader,
): Promise<ProxyExtensions | undefined> {
  const { proxyExtensionPath: path, proxyExtensionProgram } = reader.config
  if (proxyExtensionProgram !== undefined) {
    return proxyExtensionsOfProgram(await reader.program('proxy_extapp', proxyExtensionProgram))
  }
  if (path === undefined) return undefined
  return reader.attempt('proxy_extfile', async () => {
    const text = (await reader.read(path, WRITABLE_BY_OTHERS)).toString('utf8')
    return proxyExtensionsOfFile(text, path)
  })
}

export async function trustRootsOf(
  reader: SettingsReader,
): Promise<TrustRootsDirectory | undefined> {
  const { trustRootsDirectory: directory } = reader.config
  if (directory === undefined) return undefined
  const { files, clock, journal } = reader.deps
  const trustRoots = new TrustRootsDirectory({ files, clock, journal, directory })
  await reader.attempt('cert_dir', () => trustRoots.check())
  return trustRoots
}

export function attributeRequestsOf({
  config: { allowVomsAttributeRequests, vomsUserConfPath },
  deps: { files, clock },
}: SettingsReader): AttributeRequests | undefined {
  if (!allowVomsAttributeRequests) return undefined
  const paths = vomsUserConfPath === undefined ? SITE_VOMSES : [vomsUserConfPath]
  const vomses = new VomsesFiles(files, clock, paths)
  return { dialer: nodeDialer, vomses, connectMs: 10_000, answerMs: 20_000 }
}
