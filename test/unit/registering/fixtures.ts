/** A VO in memory, as registering sees it: alice with a stored credential, and her login proxy. */
import { join } from 'node:path'
import type { ConfigOverrides } from '../../../src/config/read-config.js'
import { type Credential, encodeCredential } from '../../../src/proxy/credential.js'
import type {
  RegisterContext,
  RegisterRequest,
  RegisterResult,
} from '../../../src/renewal/registering/register.js'
import { registerProxy } from '../../../src/renewal/registering/register.js'
import { addProxy, type ProxyOptions } from '../../support/pki.js'
import { renewalWorld } from '../../support/renewal-world.js'

export const ALICE = '/DC=org/DC=example/OU=Users/CN=alice'
export const ALICE_FILE = '+2fDC+3dorg+2fDC+3dexample+2fOU+3dUsers+2fCN+3dalice+2fCN+3dproxy'
export const LOGIN = '/tmp/x509up_u1000'
export const UPLOAD = 'vobox-proxy myproxy init --for-vobox -s px.example.org'
export const MACHINE = '/DC=org/DC=example/OU=Hosts/CN=vobox.example.org'

export async function registeringWorld(overrides: ConfigOverrides = {}) {
  const world = renewalWorld({ myproxy: { servers: ['px.example.org'] }, ...overrides })
  await world.putMachineProxy()
  const context: RegisterContext = { ...world.context, vo: 'alice' }
  const user = world.store('alice')

  const putLogin = async (credential: Credential, path = LOGIN) => {
    await world.files.replace(path, encodeCredential(credential), { mode: 0o600 })
    return credential
  }
  /** A login proxy of `hours`, by default 24, in the usual place. */
  const login = (options: ProxyOptions = {}, signer: Credential = user) =>
    putLogin(addProxy(signer, { now: world.clock.now(), hours: 24, ...options }))
  const register = (request: Partial<RegisterRequest> = {}): Promise<RegisterResult> =>
    registerProxy(context, {
      proxyFile: LOGIN,
      callerUid: 1000,
      // Plain, unless a test is about attributes.
      ...(request.voms === undefined && { noVoms: true }),
      ...request,
    })

  return {
    ...world,
    context,
    user,
    login,
    putLogin,
    register,
    inRepository: (fileName: string) => world.files.text(join(world.paths.repository, fileName)),
    registrations: async () => [...(await context.registry.all()).values()],
  }
}

export type RegisteringWorld = Awaited<ReturnType<typeof registeringWorld>>
