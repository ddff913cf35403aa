/**
 * From the configuration file to what the server goes by, with what needs files or programs of the
 * administrator. At the start and after `SIGHUP`: whatever is wrong is said then, and not to a client.
 */
import {
  type AcceptedNames,
  NamesOfFile,
  NamesOfProgram,
} from '../../myproxy/server/accepted-names.js'
import { optionsOf } from '../../myproxy/server/config/options-of.js'
import type { ServerConfig } from '../../myproxy/server/config/server-config.js'
import {
  type PassPhrasePolicy,
  PassPhraseProgram,
} from '../../myproxy/server/pass-phrase-policy.js'
import { DEFAULT_SETTINGS, type ServerSettings } from '../../myproxy/server/server-context.js'
import { TrustRootsDirectory } from '../../myproxy/server/trust-roots-directory.js'
import type { Clock } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'
import type { Journal } from '../../ports/journal.js'
import type { Random } from '../../ports/random.js'
import { nodeCallOuts } from '../ports/node-call-outs.js'
import { authorityOf } from './compose-authority.js'

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
  return {
    ...DEFAULT_SETTINGS,
    ...optionsOf(config, deps.path),
    trustRoots: await trustRootsOf(config, deps),
    acceptedNames: await acceptedNamesOf(config, deps),
    passPhrasePolicy: passPhrasePolicyOf(config),
    authority: await authorityOf(config, deps),
  }
}

function passPhrasePolicyOf({
  passPhrasePolicyProgram: program,
}: ServerConfig): PassPhrasePolicy | undefined {
  return program === undefined ? undefined : new PassPhraseProgram(nodeCallOuts, program)
}

async function acceptedNamesOf(
  { acceptedMapPath: path, acceptedMapProgram: program }: ServerConfig,
  { files, uid }: SettingsDeps,
): Promise<AcceptedNames | undefined> {
  if (program !== undefined) return new NamesOfProgram(nodeCallOuts, program)
  if (path === undefined) return undefined
  const names = new NamesOfFile({ files, path, owners: [0, uid] })
  await names.check()
  return names
}

async function trustRootsOf(
  { trustRootsDirectory: directory }: ServerConfig,
  { files, clock, journal }: SettingsDeps,
): Promise<TrustRootsDirectory | undefined> {
  if (directory === undefined) return undefined
  const trustRoots = new TrustRootsDirectory({ files, clock, journal, directory })
  await trustRoots.check()
  return trustRoots
}
