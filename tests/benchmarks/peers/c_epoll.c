// A C epoll server of streams that does nothing else: one send() per delivery. argv: port [batch]
// batch: all publishes readable in one epoll round are joined into one send per subscriber.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#define MAXFD 70000
typedef struct { char*in; int inlen; int sub; int pos; char*out; int outlen; } cn;
static cn c[MAXFD]; static int subs[MAXFD],ns; static long n; static int ep,batch; static char pend[1<<20]; static int plen;
static void drop(int fd){ if(c[fd].sub){ int l=subs[--ns]; subs[c[fd].pos]=l; c[l].pos=c[fd].pos; c[fd].sub=0; } free(c[fd].in); free(c[fd].out); memset(&c[fd],0,sizeof(cn)); close(fd); }
static void put(int fd,const char*b,int len){ cn*k=&c[fd]; int s=0; if(!k->outlen){ s=send(fd,b,len,MSG_NOSIGNAL); if(s==len) return; if(s<0){ if(errno!=EAGAIN) return; s=0; } struct epoll_event e={.events=EPOLLIN|EPOLLOUT,.data.fd=fd}; epoll_ctl(ep,EPOLL_CTL_MOD,fd,&e); } k->out=realloc(k->out,k->outlen+len-s); memcpy(k->out+k->outlen,b+s,len-s); k->outlen+=len-s; }
static void fan(const char*f,int len){ char b[(1<<20)+32]; int h=sprintf(b,"%x\r\n",len); memcpy(b+h,f,len); memcpy(b+h+len,"\r\n",2); for(int i=0;i<ns;i++) put(subs[i],b,h+len+2); }
int main(int ac,char**av){ signal(SIGPIPE,SIG_IGN); batch=ac>2; struct rlimit r; getrlimit(RLIMIT_NOFILE,&r); r.rlim_cur=r.rlim_max; setrlimit(RLIMIT_NOFILE,&r); int l=socket(AF_INET,SOCK_STREAM|SOCK_NONBLOCK,0),one=1; setsockopt(l,SOL_SOCKET,SO_REUSEADDR,&one,4); struct sockaddr_in a={.sin_family=AF_INET,.sin_port=htons(atoi(av[1]))}; a.sin_addr.s_addr=htonl(INADDR_LOOPBACK); if(bind(l,(void*)&a,sizeof a)||listen(l,4096)){perror("bind");return 1;} ep=epoll_create1(0); struct epoll_event e={.events=EPOLLIN,.data.fd=l},ev[512]; epoll_ctl(ep,EPOLL_CTL_ADD,l,&e); static char buf[65536];
 for(;;){ int k=epoll_wait(ep,ev,512,-1); for(int i=0;i<k;i++){ int fd=ev[i].data.fd; if(fd==l){ for(;;){ int f=accept4(l,0,0,SOCK_NONBLOCK); if(f<0) break; setsockopt(f,6,TCP_NODELAY,&one,4); struct epoll_event x={.events=EPOLLIN,.data.fd=f}; epoll_ctl(ep,EPOLL_CTL_ADD,f,&x);} continue; }
  if(ev[i].events&EPOLLOUT){ cn*q=&c[fd]; int s=send(fd,q->out,q->outlen,MSG_NOSIGNAL); if(s>0){ memmove(q->out,q->out+s,q->outlen-s); q->outlen-=s; if(!q->outlen){ free(q->out); q->out=0; struct epoll_event x={.events=EPOLLIN,.data.fd=fd}; epoll_ctl(ep,EPOLL_CTL_MOD,fd,&x);} } }
  if(!(ev[i].events&(EPOLLIN|EPOLLHUP|EPOLLERR))) continue; int g=recv(fd,buf,sizeof buf,0); if(g<=0){ if(g<0&&errno==EAGAIN) continue; drop(fd); continue; } cn*q=&c[fd]; q->in=realloc(q->in,q->inlen+g+1); memcpy(q->in+q->inlen,buf,g); q->inlen+=g; q->in[q->inlen]=0;
  for(;;){ char*h=q->inlen?memmem(q->in,q->inlen,"\r\n\r\n",4):0; if(!h) break; int used; if(q->in[0]=='G'){ used=h-q->in+4; const char*o="HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n: ok\n\n\r\n"; put(fd,o,strlen(o)); q->sub=1; q->pos=ns; subs[ns++]=fd; }
   else { char*cl=strcasestr(q->in,"content-length:"); int bl=cl?atoi(cl+15):0; used=h-q->in+4+bl; if(q->inlen<used) break; if(batch){ if(plen+bl+64<(int)sizeof pend) { plen+=sprintf(pend+plen,"id: %ld\nevent: token\ndata: ",++n); memcpy(pend+plen,h+4,bl); plen+=bl; memcpy(pend+plen,"\n\n",2); plen+=2; } } else { static char f[65536]; int m=sprintf(f,"id: %ld\nevent: token\ndata: ",++n); memcpy(f+m,h+4,bl); memcpy(f+m+bl,"\n\n",2); fan(f,m+bl+2); } put(fd,"HTTP/1.1 204 No Content\r\n\r\n",27); }
   memmove(q->in,q->in+used,q->inlen-used); q->inlen-=used; } if(!q->inlen){ free(q->in); q->in=0; } } if(batch&&plen){ fan(pend,plen); plen=0; } } }
