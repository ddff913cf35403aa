/**
 * From the configuration file to what the server goes by, with what needs files or programs of the
 * administrator. At the start and after `SIGHUP`: whatever is wrong is said then, and not to a client.
 */
import { optionsOf } from '../../myproxy/server/config/options-of.js'
import type { ServerConfig } from '../../myproxy/server/config/server-config.js'
import {
  type PassPhrasePolicy,
  PassPhraseProgram,
} from '../../myproxy/server/policy/pass-phrase-policy.js'
import { DEFAULT_SETTINGS, type ServerSettings } from '../../myproxy/server/server-context.js'
import type { Clock } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'
import type { Journal } from '../../ports/journal.js'
import type { Random } from '../../ports/random.js'
import { authorityOf } from './compose-authority.js'
import {
  acceptedNamesOf,
  attributeRequestsOf,
  proxyExtensionsOf,
  trustRootsOf,
} from './compose-delegation.js'
import { SettingsReader } from './settings-reader.js'

export interface SettingsDeps {
  /** Where the configuration stands; for messages. */
  path: string
  files: Files
  clock: Clock
  random: Random
  journal: Journal
  /** Of this process: whose files and programs are believed, beside root's. */
  uid: number
  /** Of the credentials; a CA without a `certificate_serialfile` has its serial numbers there. */
  storageDirectory: string
}

/**
 * @throws VoboxError `CONFIG_INVALID` for a directive that is not served; what its collaborators say
 *   of files that cannot be used.
 */
export async function composeSettings(
  config: ServerConfig,
  deps: SettingsDeps,
): Promise<ServerSettings> {
  const reader = new SettingsReader(config, deps)
  return {
    ...DEFAULT_SETTINGS,
    ...optionsOf(config),
    trustRoots: await trustRootsOf(reader),
    acceptedNames: await acceptedNamesOf(reader),
    proxyExtensions: await proxyExtensionsOf(reader),
    attributeRequests: attributeRequestsOf(reader),
    authority: await authorityOf(config, deps),
    passPhrasePolicy: await passPhrasePolicyOf(reader),
  }
}

async function passPhrasePolicyOf(reader: SettingsReader): Promise<PassPhrasePolicy | undefined> {
  const { passPhrasePolicyProgram: path } = reader.config
  if (path === undefined) return undefined
  const { callOuts, program } = await reader.program('passphrase_policy_program', path)
  return new PassPhraseProgram(callOuts, program)
}
