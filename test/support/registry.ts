/** Registrations and registries on a real disk, for tests. */
import { mkdirSync } from 'node:fs'
import { voPaths } from '../../src/config/vo-paths.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Files } from '../../src/ports/files.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import type { Registration } from '../../src/registry/registration.js'
import { FakeClock } from './fake-clock.js'
import { temporaryDirectory } from './temporary-directory.js'

/** The registration of `/CN=<name>` under the file name `name`: 12 h from one server. */
export function registration(name: string, changes: Partial<Registration> = {}): Registration {
  return {
    fileName: name,
    identity: `/CN=${name}`,
    identityDer: Buffer.from(`/CN=${name}`).toString('base64'),
    servers: ['myproxy.example.org'],
    lifetimeSeconds: 43_200,
    refreshSeconds: 3600,
    proxySafeSeconds: 3600,
    myproxySafeSeconds: 864_000,
    email: null,
    voms: ['alice'],
    allowLimited: false,
    allowPartial: false,
    registeredAt: asUnixSeconds(1_000_000),
    updatedAt: asUnixSeconds(1_000_000),
    ...changes,
  }
}

/** A registry in `ROOT/vo`, a directory that is made when it is not there. */
export function registryBelow(root: string, files: Files = nodeFiles) {
  const paths = voPaths(root, 'vo')
  mkdirSync(paths.directory, { recursive: true, mode: 0o750 })
  const clock = new FakeClock()
  return { paths, clock, registry: new JsonRegistry({ files, clock, paths }) }
}

/** A registry with nothing in it, in a directory that goes with the running test. */
export async function emptyRegistry() {
  return registryBelow(await temporaryDirectory())
}

/** Two registrations, of which `bob` came last: the previous copy knows `alice` alone. */
export async function registryOfTwo() {
  const root = await temporaryDirectory()
  const made = registryBelow(root)
  await made.registry.update('alice', () => registration('alice'))
  await made.registry.update('bob', () => registration('bob'))
  return { ...made, root, another: () => registryBelow(root).registry }
}
