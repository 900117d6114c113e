// A certified identity provider on a free port of this machine. Takes one argument, JSON: the addresses to which the portal's
// browser may be sent back, the portal's secret there, and the people by their login (any password does). Says where it
// listens in its first line, and ends when its input does.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const { callback, signedOut, secret, people } = JSON.parse(process.argv[2]);

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const configuration = {
  clients: [
    {
      client_id: "keis",
      client_secret: secret,
      redirect_uris: [callback],
      post_logout_redirect_uris: [signedOut],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: "first" }] },
  cookies: { keys: ["a key of this test alone"] },
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub"], profile: ["name", "keis_roles"], email: ["email", "email_verified"] },
  async findAccount(_context, id) {
    const person = people[id];
    return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
  },
  // The directory and the portal belong to the same programme: nobody is asked whether the one may know of the other.
  async loadExistingGrant(context) {
    const { client, session, provider } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, configuration).callback());
  console.log(issuer);
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
