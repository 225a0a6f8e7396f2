! SPDX-License-Identifier: Apache-2.0
! traffic_f.f90 - traffic.c's amounts, from Fortran
!
!   traffic_f KIND...
program traffic_f
  use mpi
  implicit none
  integer :: rank, nranks, left, right, ierr, i, provided
  integer :: status(MPI_STATUS_SIZE)
  integer(1) :: out(100000), in(100000)
  character(len=32) :: kind

  out = 1
  call get_command_argument(1, kind)
  if (kind == 'thread') then
     call MPI_Init_thread(MPI_THREAD_FUNNELED, provided, ierr)
  else
     call MPI_Init(ierr)
  end if
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call MPI_Comm_size(MPI_COMM_WORLD, nranks, ierr)
  right = mod(rank + 1, nranks)
  left = mod(rank + nranks - 1, nranks)
  do i = 1, command_argument_count()
     call get_command_argument(i, kind)
     call run(trim(kind))
  end do
  call MPI_Finalize(ierr)

contains

  recursive subroutine run(name)
    character(len=*), intent(in) :: name
    integer :: k, half, me, n, requests(2), statuses(MPI_STATUS_SIZE, 2)

    select case (name)
    case ('thread', 'sendrecv')
       do k = 1, 5
          call MPI_Sendrecv(out, 200, MPI_INTEGER1, right, 1, in, 200, MPI_INTEGER1, left, 1, &
               MPI_COMM_WORLD, MPI_STATUS_IGNORE, ierr)
       end do
    case ('isend')
       do k = 1, 6
          call MPI_Irecv(in, 4096, MPI_INTEGER1, left, k, MPI_COMM_WORLD, requests(1), ierr)
          call MPI_Isend(out, 300, MPI_INTEGER1, right, k, MPI_COMM_WORLD, requests(2), ierr)
          call MPI_Waitall(2, requests, statuses, ierr)
       end do
    case ('anysource')
       if (rank == 0) then
          do k = 1, 8 * (nranks - 1)
             call MPI_Recv(in, 4096, MPI_INTEGER1, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &
                  status, ierr)
          end do
       else
          do k = 1, 8
             call MPI_Send(out, 32, MPI_INTEGER1, 0, k, MPI_COMM_WORLD, ierr)
          end do
       end if
    case ('persistent')
       call MPI_Recv_init(in, 4096, MPI_INTEGER1, left, 40, MPI_COMM_WORLD, requests(1), ierr)
       call MPI_Send_init(out, 777, MPI_INTEGER1, right, 40, MPI_COMM_WORLD, requests(2), ierr)
       do k = 1, 7
          if (mod(k, 2) == 0) then
             call MPI_Startall(2, requests, ierr)
          else
             call MPI_Start(requests(1), ierr)
             call MPI_Start(requests(2), ierr)
          end if
          call MPI_Waitall(2, requests, MPI_STATUSES_IGNORE, ierr)
       end do
       call MPI_Request_free(requests(1), ierr)
       call MPI_Request_free(requests(2), ierr)
    case ('subcomm')
       call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), -rank, half, ierr)
       call MPI_Comm_rank(half, me, ierr)
       call MPI_Comm_size(half, n, ierr)
       do k = 1, 2
          call MPI_Sendrecv(out, 10, MPI_INTEGER1, mod(me + 1, n), 1, in, 10, MPI_INTEGER1, &
               MPI_ANY_SOURCE, 1, half, MPI_STATUS_IGNORE, ierr)
       end do
       call MPI_Comm_free(half, ierr)
    case ('bcast')
       do k = 1, 10
          call MPI_Bcast(out, 1000, MPI_INTEGER1, 0, MPI_COMM_WORLD, ierr)
       end do
    case ('allreduce')
       do k = 1, 5
          call MPI_Allreduce(out, in, 128, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
       end do
    case ('alltoall')
       do k = 1, 3
          call MPI_Alltoall(out, 500, MPI_INTEGER1, in, 500, MPI_INTEGER1, MPI_COMM_WORLD, ierr)
       end do
    case ('barrier')
       do k = 1, 3
          call MPI_Barrier(MPI_COMM_WORLD, ierr)
       end do
    case ('phases')
       call MPI_Pcontrol(7)
       call run('isend')
       call MPI_Pcontrol(0)
       call run('sendrecv')
    case default
       write (0, *) 'traffic_f: unknown kind ', name
       call MPI_Abort(MPI_COMM_WORLD, 2, ierr)
    end select
  end subroutine run
end program traffic_f
