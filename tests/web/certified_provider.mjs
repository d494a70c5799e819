// A certified OpenID Connect provider over TLS on loopback: the npm package oidc-provider.
//
//     node certified_provider.mjs LIBRARY CERTIFICATE KEY
//
// It says its port on stdout. Each line of JSON on stdin says what it is to be from then
// on, with other keys or clients than before; it answers "ready". What it granted stays.
// Everybody who comes is the one person; `/told` lists what came to pass so far.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { Provider, errors } = await import(pathToFileURL(process.argv[2]));
const [certificate, key] = process.argv.slice(3);
const came = [];
const keys = new Map();
let serve = (_request, response) => response.writeHead(503).end();

const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => serve(request, response),
);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
createInterface({ input: process.stdin }).on('line', (line) => {
  begin(JSON.parse(line));
  console.log('ready');
});
// Whoever started it is gone.
process.stdin.on('end', () => process.exit());

function begin(told) {
  const client = {
    client_id: told.client_id,
    client_secret: told.client_secret || undefined,
    token_endpoint_auth_method: told.client_secret ? 'client_secret_basic' : 'none',
    redirect_uris: [`${told.origin}/login/callback`],
    post_logout_redirect_uris: [`${told.origin}/`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const commandLine = {
    client_id: 'bonafides-cli',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback'],
  };
  const provider = new Provider(`https://127.0.0.1:${server.address().port}`, {
    clients: [client, commandLine],
    jwks: { keys: told.keys.flatMap((name) => [key_of(name, 'RS256'), key_of(name, 'ES256')]) },
    cookies: { keys: ['test'] },
    scopes: ['openid', 'offline_access'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== told.resource) throw new errors.InvalidTarget();
          return {
            scope: '',
            audience: told.audience,
            accessTokenFormat: 'jwt',
            accessTokenTTL: told.seconds,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  });
  provider.on('grant.success', (context) => came.push(context.oidc.params.grant_type));
  provider.on('refresh_token.destroyed', () => came.push('revoked'));
  const answer = provider.callback();
  serve = (request, response) => {
    if (request.url === '/told') return response.end(JSON.stringify(came));
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    return interact(provider, told, request, response);
  };
}

// Lets the person in, and has them agree to whatever is asked for.
async function interact(provider, told, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  came.push(prompt.name);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: told.person } });
  }
  const { missingOIDCScope, missingResourceScopes } = prompt.details;
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(
    request, response, { consent }, { mergeWithLastSubmission: true },
  );
}

function key_of(name, algorithm) {
  const kid = `${name}-${algorithm}`;
  if (!keys.has(kid)) {
    const { privateKey } = algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    keys.set(kid, { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' });
  }
  return keys.get(kid);
}
