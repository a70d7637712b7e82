// Package deploy holds what Ferry is deployed with to what Ferry is: the
// Dockerfile, docker-compose.yml and the manifests for Kubernetes are read with
// the libraries of those who will read them, and are tried on the programs
// that the Dockerfile's own commands build. It holds tests alone; the folder is
// a module of its own because those libraries are no business of the product.
//
// With -postgres it also runs the containers of docker-compose.yml as
// processes, with Temporal on a real PostgreSQL, and migrates files there.
package deploy
