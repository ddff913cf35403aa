/** Every command by the name that callers use. */

import Agents from './agents.js'
import Check from './check.js'
import Config from './config.js'
import Env from './env.js'
import Forecast from './forecast.js'
import Info from './info.js'
import JobGet from './job/get.js'
import JobImport from './job/import.js'
import JobList from './job/list.js'
import JobRegister from './job/register.js'
import JobUnregister from './job/unregister.js'
import MachineProxy from './machine-proxy.js'
import MyProxyChangePassPhrase from './myproxy/change-pass-phrase.js'
import MyProxyDestroy from './myproxy/destroy.js'
import MyProxyGetTrustroots from './myproxy/get-trustroots.js'
import MyProxyInfo from './myproxy/info.js'
import MyProxyInit from './myproxy/init.js'
import MyProxyLogon from './myproxy/logon.js'
import MyProxyRetrieve from './myproxy/retrieve.js'
import MyProxyStore from './myproxy/store.js'
import MyProxyServerReplicate from './myproxy-server/replicate.js'
import MyProxyServer from './myproxy-server.js'
import ProxyInit from './proxy-init.js'
import Query from './query.js'
import QueryDn from './query-dn.js'
import QueryMyproxyTimeleft from './query-myproxy-timeleft.js'
import QueryProxyFilename from './query-proxy-filename.js'
import QueryProxyTimeleft from './query-proxy-timeleft.js'
import Register from './register.js'
import Renew from './renew.js'
import Setup from './setup.js'
import SuperviseAgents from './supervise-agents.js'
import Unregister from './unregister.js'
import WriteMachineProxy from './write-machine-proxy.js'
import WriteVoDirectory from './write-vo-directory.js'

export const COMMANDS = {
  check: Check,
  config: Config,
  agents: Agents,
  env: Env,
  forecast: Forecast,
  info: Info,
  'job:get': JobGet,
  'job:import': JobImport,
  'job:list': JobList,
  'job:register': JobRegister,
  'job:unregister': JobUnregister,
  'machine-proxy': MachineProxy,
  'myproxy:change-pass-phrase': MyProxyChangePassPhrase,
  'myproxy:destroy': MyProxyDestroy,
  'myproxy:get-trustroots': MyProxyGetTrustroots,
  'myproxy:info': MyProxyInfo,
  'myproxy:init': MyProxyInit,
  'myproxy:logon': MyProxyLogon,
  'myproxy:retrieve': MyProxyRetrieve,
  'myproxy:store': MyProxyStore,
  'myproxy-server': MyProxyServer,
  'myproxy-server:replicate': MyProxyServerReplicate,
  'proxy-init': ProxyInit,
  query: Query,
  'query-dn': QueryDn,
  'query-myproxy-timeleft': QueryMyproxyTimeleft,
  'query-proxy-filename': QueryProxyFilename,
  'query-proxy-timeleft': QueryProxyTimeleft,
  register: Register,
  renew: Renew,
  setup: Setup,
  'supervise-agents': SuperviseAgents,
  unregister: Unregister,
  'write-machine-proxy': WriteMachineProxy,
  'write-vo-directory': WriteVoDirectory,
}
